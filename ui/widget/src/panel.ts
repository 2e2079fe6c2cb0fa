// The open chat: header, conversation, composer. Loaded when somebody opens it, or comes back to a conversation.
import { cards as goods } from "./cards"
import { form, sent } from "./form"
import { markdown } from "./markdown"
import css from "./panel.css?inline"
import type { Ask, Card, Cards, FromServer, Outgoing, Quicks, Said, Shop, State, Trouble, Welcome } from "./protocol"
import { drop, earlier, type Link, post, queue, remember, resync, saved, start, tell } from "./session"
import { dress, equip, h, icon, lang, t, type Tools } from "./tools"

export interface Options {
  base: string
  page: boolean // a page of its own: no launcher, nothing to close
  title?: string
  unread(count: number): void
  closed(): void
}

interface Item extends HTMLElement {
  order: number // seq of a stored event; LATER and up for what is not stored yet
  same?: string // what it shows, where showing it anew would be seen
}

const LATER = 1e9
const NEAR_END = 80 // px from the end that still count as being there
const TALLEST = 132 // px of the composer: five lines
const SEND = "M12 20V4m-7 7 7-7 7 7"
const STOP = "M8 8h8v8H8z"
const CLOSE = "m6 6 12 12M18 6 6 18"
const GOOD = "M7 11v9H4v-9h3Zm0 0 4-8a2.5 2.5 0 0 1 2.5 3L13 9h5.5a2 2 0 0 1 2 2.4l-1.3 7A2 2 0 0 1 17.2 20H7"

let root: ShadowRoot
let options: Options
let box: HTMLElement
let list: HTMLElement
let log: HTMLElement
let older: HTMLElement
let line: HTMLElement
let spoken: HTMLElement
let face: HTMLElement
let heading: HTMLElement
let subtitle: HTMLElement
let input: HTMLTextAreaElement
let button: HTMLButtonElement
let jump: HTMLElement

const nodes: Record<string, Item> = {}
let shop: Shop = {}
let live: { mid: string; text: string } | null = null
let mode = "bot"
let limit = 4000
let local = LATER
let first = LATER // the oldest seq on show
let unread = 0
let shown = false
let old = false // what is heard was said before
let asked = false // the last word is the customer's
let question: Item | null // being answered: scrolling keeps it in sight
let link: Link

/** Builds the panel in the loader's shadow root and connects; gives what shows it. */
export function mount(shadow: ShadowRoot, given: Options, tools: Tools): () => void {
  root = shadow
  options = given
  equip(tools)
  dress(root, css)
  build()
  start(options.base, (frame) => hear(frame), linked)
  queue().forEach(pending)
  introduce({})
  for (const moved of ["resize", "scroll"]) visualViewport!.addEventListener(moved, fit)
  document.addEventListener("visibilitychange", seen)
  return show
}

function build(): void {
  const name = options.title || t.$title
  log = h("div.log", { role: "log", ariaLive: "off", ariaLabel: name, tabIndex: 0, onscroll: () => (jump.hidden = atEnd()) })
  log.append((older = h("button.more", { hidden: true, onclick: more }, t.$earlier)), (list = h("div.list")))
  input = h("textarea", { rows: 1, placeholder: t.$placeholder, ariaLabel: t.$placeholder, oninput: typed, onkeydown: enter })
  button = h("button.send", { type: "submit" })
  jump = h("button.jump", { ariaLabel: t.$latest, hidden: true, onclick: () => (log.scrollTop = LATER) }, icon(SEND))
  const onsubmit = (event: SubmitEvent) => {
    event.preventDefault()
    submit()
  }
  box = h(
    options.page ? "main.panel.page" : "section.panel",
    { tabIndex: -1, lang, ariaLabel: name, onkeydown: keys },
    h(
      "header",
      {},
      (face = h("div.face")),
      h("div.names", {}, (heading = h("h2")), (subtitle = h("p"))),
      !options.page && h("button.icon", { ariaLabel: t.$close, onclick: hide }, icon(CLOSE)),
    ),
    (line = h("div.line", { role: "status" })),
    log,
    h("div.foot", {}, jump, h("form.composer", { onsubmit }, input, button)),
    (spoken = h("div.sr", { ariaLive: "polite" })),
  )
  if (!options.page) box.role = "dialog"
  root.append(box)
  typed()
}

function show(): void {
  shown = true
  fit()
  box.classList.add("open")
  if (phone()) {
    box.ariaModal = "true"
    document.documentElement.style.overflow = "hidden"
  }
  down()
  seen()
  setTimeout(() => (phone() ? box : input).focus(), 50)
}

function hide(): void {
  shown = false
  box.classList.remove("open")
  box.ariaModal = null
  document.documentElement.style.overflow = ""
  options.closed()
}

const heard: Record<string, (frame: never) => void> = { welcome, ack, start: begin, delta, err, msg, cards, quick, form: ask, state }

function hear(frame: FromServer, then = false): void {
  const stay = atEnd()
  old = then
  heard[frame.type]?.(frame as never)
  greet()
  if (frame.type !== "ack" && "seq" in frame && "mid" in frame) {
    first = Math.min(first, frame.seq!)
    if (frame.type === "msg" && frame.role !== "user" && frame.seq > (saved().read ?? 0)) unread++
  }
  seen()
  if (stay) down()
}

function welcome(frame: Welcome): void {
  limit = frame.limits.text_chars
  for (const key in nodes) {
    const stored = nodes[key]!.order < LATER
    if (stored ? !frame.resumed : !key.startsWith("cid:")) remove(key)
  }
  live = null
  if (!frame.resumed) first = LATER
  frame.missed.forEach((missed) => hear(missed, true))
  if (frame.live) {
    const { mid, text, cards: items } = frame.live
    begin({ mid })
    if (items?.[0]) cards({ type: "cards", mid, items })
    if (text) delta({ mid, off: 0, d: text })
  }
  think()
  older.hidden = first < 2 || first === LATER
  introduce(frame.cfg)
}

function msg(event: Said): void {
  const key = "msg:" + event.mid
  asked = event.role === "user"
  if (asked) {
    clearQuick()
    if (event.cid) ack(event as Said & { cid: string })
    if (event.kind === "form") filled(event.seq)
    if (!nodes[key]) put(key, event.seq, mine(event.text, time(event.at)))
    return
  }
  if (live && (!live.mid || live.mid === event.mid)) finish(!live.mid)
  const body = h("div.text", {}, markdown(event.text))
  const tools = h("div.tools", {}, time(event.at), event.role === "bot" && thumbs(event.mid))
  put(key, event.seq, h("div.theirs", {}, event.role === "agent" && h("span.who", {}, t.$manager), body, tools))
  if (old) return
  spoken.textContent = body.textContent
  if (event.role === "agent") question = null
}

function cards({ mid, seq, items }: Cards): void {
  const key = "cards:" + mid
  const same = JSON.stringify(items)
  const order = seq ?? (live?.mid === mid ? nodes["msg:" + mid]!.order - 1 : ++local)
  if (nodes[key]?.same === same) place(nodes[key], order)
  else put(key, order, goods(items, options.base, about)).same = same
}

function quick({ mid, seq, items }: Quicks): void {
  clearQuick()
  put("quick:" + mid, seq, chips(items))
}

function ask(event: Ask): void {
  const send = (values: Record<string, string>) => {
    post({ type: "form", cid: uuid(), form_id: event.form_id, values, consent: event.consent.version })
    filled(LATER)
    down()
  }
  put("form:" + event.mid, event.seq, form(event, shop.privacy_url, send))
}

/** The forms before a seq are done with. */
function filled(seq: number): void {
  for (const key in nodes) if (key.startsWith("form:") && nodes[key]!.order < seq) put(key, nodes[key]!.order, sent())
}

function state(event: State): void {
  mode = event.mode
  const name = mode === "queue" ? t.$queue : event.agent?.name || t.$manager
  if (mode !== "bot") {
    finish(true)
    put("state:" + event.mid, event.seq, h("p.event", {}, name))
  }
  subtitle.textContent = mode === "bot" ? (shop.subtitle ?? t.$subtitle) : name
}

function begin({ mid }: { mid: string }): void {
  if (nodes["msg:" + mid]) return
  finish(true)
  live = { mid, text: "" }
  const dots = h("div.text.dots", {}, h("i"), h("i"), h("i"), h("span", {}, t.$thinking))
  put("msg:" + mid, (local += 2), h("div.theirs", {}, dots))
  typed()
}

/** The last word is the customer's, so an answer is being made, even if nobody tells of it yet. */
function think(): void {
  if (asked && mode === "bot" && !live) begin({ mid: "" })
}

function delta({ mid, off, d }: { mid: string; off: number; d: string }): void {
  if (live?.mid !== mid) return
  if (off > live.text.length) return resync()
  live.text = live.text.slice(0, off) + d
  nodes["msg:" + mid]!.replaceChildren(h("div.text.writing", {}, markdown(live.text)))
}

/** Nothing is being written any more; an unfinished text may stay until its final form comes. */
function finish(away: boolean): void {
  if (live && away) remove("msg:" + live.mid)
  live = null
  typed()
}

function err({ code, cid, mid, retry_ms }: Trouble): void {
  if (code === "interrupted" && live?.mid === mid) begin({ mid: "" })
  if (!cid || retry_ms) return
  drop(cid)
  const node = nodes["cid:" + cid]
  if (code === "too_long") {
    if (node) input.value ||= node.querySelector(".text")!.textContent!
    remove("cid:" + cid)
    typed()
  } else if (node) {
    node.classList.add("failed")
    node.lastElementChild!.textContent = t.$failed
  }
}

function submit(): void {
  const text = input.value.trim()
  if (text.length > limit) return
  if (text) {
    input.value = ""
    say({ type: "msg", cid: uuid(), text })
    input.focus()
  } else if (live?.mid) tell({ type: "stop", mid: live.mid })
  typed()
}

function say(frame: Outgoing): void {
  clearQuick()
  pending(frame)
  post(frame)
  down()
}

/** A message on its way: faded until the server has it. */
function pending(frame: Outgoing): void {
  if (frame.type === "form") return
  const node = mine(frame.type === "msg" ? frame.text : frame.ref, t.$sending)
  node.classList.add("waiting")
  question = put("cid:" + frame.cid, (local += 2), node)
  greet()
}

function ack({ cid, mid, seq }: { cid: string; mid: string; seq: number }): void {
  drop(cid)
  const node = nodes["cid:" + cid]
  if (!node) return
  delete nodes["cid:" + cid]
  if (nodes["msg:" + mid]) return node.remove()
  nodes["msg:" + mid] = node
  node.classList.remove("waiting")
  node.lastElementChild!.replaceChildren(time())
  place(node, seq)
  asked = true
  think()
  seen()
}

function mine(text: string, tool: Node | string): HTMLElement {
  return h("div.mine", {}, h("span.sr", {}, t.$you), h("div.text", {}, text), h("div.tools", {}, tool))
}

function chips(items: string[] = []): HTMLElement {
  const chip = (ref: string) => h("button.chip", { onclick: () => say({ type: "action", cid: uuid(), kind: "quick", ref }) }, ref)
  return h("div.quick", {}, ...items.map(chip))
}

function clearQuick(): void {
  for (const key in nodes) if (key.startsWith("quick:")) remove(key)
}

function thumbs(mid: string): HTMLElement {
  const both = [t.$good, t.$bad].map((title, index) => {
    const onclick = () => {
      const on = thumb.ariaPressed !== "true"
      both.forEach((other) => (other.ariaPressed = String(on && other === thumb)))
      tell({ type: "feedback", mid, value: on ? 1 - 2 * index : 0 })
    }
    const thumb = h("button.icon", { ariaLabel: title, ariaPressed: "false", onclick }, icon(GOOD))
    return thumb
  })
  return h("span.thumbs", {}, ...both)
}

function about(card: Card): void {
  input.value = `${card.name} (${card.sku}): `
  typed()
  input.focus()
}

function time(at?: string): HTMLElement {
  return h("time", {}, new Date(at ?? Date.now()).toLocaleTimeString(lang, { timeStyle: "short" }))
}

function introduce(news: Shop): void {
  shop = news
  heading.textContent = options.title || shop.title || t.$title
  if (mode === "bot") subtitle.textContent = shop.subtitle ?? t.$subtitle
  face.textContent = heading.textContent[0]!
  if (options.page) document.title = heading.textContent
  greet()
}

/** An empty conversation begins with a greeting and what others ask. */
function greet(): void {
  if (Object.keys(nodes).some((key) => key !== "hello")) return remove("hello")
  const words = h("div.theirs", {}, h("div.text", {}, shop.greeting ?? t.$greeting))
  put("hello", 0, h("div.list", {}, words, chips(shop.quick)))
}

function put(key: string, order: number, node: HTMLElement): Item {
  const item = node as Item
  const known = nodes[key]
  nodes[key] = item
  if (known) {
    item.classList.add("still")
    known.replaceWith(item)
  }
  place(item, order)
  return item
}

function place(node: Item, order: number): void {
  node.order = order
  const next = ([...list.children] as Item[]).find((other) => other !== node && other.order > order) ?? null
  if (!node.parentNode || node.nextSibling !== next) list.insertBefore(node, next)
}

function remove(key: string): void {
  nodes[key]?.remove()
  delete nodes[key]
}

async function more(): Promise<void> {
  const height = log.scrollHeight
  const was = asked
  const events = await earlier(first).catch(() => [])
  events.forEach((event) => hear(event, true))
  asked = was
  older.hidden = !events[0] || first < 2
  log.scrollTop += log.scrollHeight - height
}

function linked(now: Link): void {
  box.dataset.link = link = now
  warn()
}

/** The line below the header says what is wrong; its style lets a moment pass before it shows. */
function warn(): void {
  line.textContent = input.value.length > limit ? t.$long : link === "online" ? "" : t.$offline
}

function typed(): void {
  const empty = !input.value.trim()
  const stop = empty && !!live?.mid
  input.style.height = ""
  input.style.height = Math.min(input.scrollHeight, TALLEST) + "px"
  button.classList.toggle("stop", stop)
  button.ariaLabel = stop ? t.$stop : t.$send
  button.replaceChildren(icon(stop ? STOP : SEND))
  button.disabled = empty && !stop
  warn()
}

function enter(event: KeyboardEvent): void {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
  event.preventDefault()
  submit()
}

function keys(event: KeyboardEvent): void {
  if (event.key === "Escape" && !options.page) hide()
  if (event.key !== "Tab" || !phone()) return
  const stops = [...box.querySelectorAll<HTMLElement>("button:enabled,a,input,textarea")].filter((stop) => stop.offsetParent)
  const ends = [stops[0], stops.at(-1)]
  if (event.shiftKey) ends.reverse()
  if (root.activeElement !== ends[1] && root.activeElement !== box) return
  event.preventDefault()
  ends[0]!.focus()
}

function seen(): void {
  if (shown && !document.hidden) {
    const seq = Math.max(0, ...Object.values(nodes).map((node) => (node.order < LATER ? node.order : 0)))
    if (seq > (saved().read ?? 0)) {
      remember({ read: seq })
      tell({ type: "read", seq })
    }
    unread = 0
  }
  options.unread(unread)
}

const atEnd = (): boolean => log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END

function down(): void {
  log.scrollTop = question?.isConnected ? question.offsetTop - 12 : LATER
}

const phone = (): boolean => !options.page && matchMedia("(max-width:520px)").matches

/** Phones' keyboards cover a page without resizing it, and push it away. */
function fit(): void {
  box.style.setProperty("--height", visualViewport!.height + "px")
  box.style.translate = `0 ${visualViewport!.offsetTop}px`
}

/** A random UUID; crypto.randomUUID() is missing on plain http pages. */
function uuid(): string {
  const digit = (figure: string) => ((crypto.getRandomValues(Uint8Array.of(0))[0]! & (15 >> (+figure / 4))) ^ +figure).toString(16)
  return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, digit)
}
