// The line to the shop: one WebSocket that comes back by itself, a queue that survives reloads, nothing lost or doubled.
import type { Event, FromServer, Outgoing } from "./protocol"
import { lang, load, save } from "./tools"

export type Link = "connecting" | "online" | "offline"

const PING_MS = 25_000 // proxies cut silent lines after a minute
const PONG_MS = 10_000
const SLOWEST_MS = 30_000
const PAUSE_MS = 60_000 // when the server says that this is too much

interface Saved {
  sid?: string
  token?: string
  at?: number // of the customer's last message
  read?: number
}

let base: string
let onFrame: (frame: FromServer) => void
let onLink: (link: Link) => void
let socket: WebSocket
let seq = 0
let welcomed = false
let attempt = 0
let pause = 0
let reopening = 0
let beat = 0
let resending = 0

export function start(address: string, frame: typeof onFrame, link: typeof onLink): void {
  base = address
  onFrame = frame
  onLink = link
  const hurry = () => socket.readyState > 1 && !pause && open()
  addEventListener("online", hurry)
  addEventListener("offline", () => socket.close())
  document.addEventListener("visibilitychange", hurry)
  open()
}

export const saved = (): Saved => load<Saved>(base) ?? {}

export const remember = (news: Saved): void => save(base, { ...saved(), ...news })

export const queue = (): Outgoing[] => load<Outgoing[]>(base + "/out") ?? []

/** Sends now or later, exactly once: the server knows it by its cid. */
export function post(frame: Outgoing): void {
  save(base + "/out", [...queue(), frame])
  remember({ at: Date.now() })
  if (!resending) tell(frame) // otherwise it would overtake those that wait
}

export const drop = (cid?: string): void => save(base + "/out", queue().filter((frame) => frame.cid !== cid))

/** Sends what only makes sense now. */
export function tell(frame: object): void {
  if (welcomed && socket.readyState === 1) socket.send(JSON.stringify(frame))
}

/** The text so far has a hole: takes it up anew. */
export const resync = (): void => socket.close(4000)

/** Messages before a seq; they come over HTTP so that a long history cannot hold up the line. */
export async function earlier(before: number): Promise<Event[]> {
  const { sid, token } = saved()
  const answer = await fetch(base + "/widget/v1/history", { method: "POST", body: JSON.stringify({ sid, token, before }) })
  return ((await answer.json()) as { events?: Event[] }).events ?? []
}

function open(): void {
  clearTimeout(reopening)
  onLink("connecting")
  const mine = (socket = new WebSocket(base.replace(/^http/, "ws") + "/ws/v1"))
  mine.onopen = () => {
    const { sid, token } = saved()
    const page = { url: location.href, title: document.title, ref: document.referrer }
    mine.send(JSON.stringify({ type: "hello", v: 1, sid, token, last_seq: seq, lang, page }))
  }
  mine.onmessage = (message) => hear(JSON.parse(message.data as string) as FromServer)
  mine.onclose = (event) => mine === socket && closed(event.code)
}

function hear(frame: FromServer): void {
  clearTimeout(beat)
  beat = setTimeout(ping, PING_MS)
  if (frame.type === "welcome") {
    welcomed = true
    attempt = pause = 0
    if (frame.seq < seq) frame.resumed = false
    if (!frame.resumed) seq = 0
    remember({ sid: frame.sid, token: frame.token })
    onLink("online")
  }
  if (frame.type === "ack") drop(frame.cid)
  if (frame.type === "err") {
    if (frame.fatal) pause = frame.retry_ms ?? 0
    else if (frame.cid && frame.retry_ms) {
      clearTimeout(resending)
      resending = setTimeout(resend, frame.retry_ms)
    }
  }
  onFrame(frame)
  if ("seq" in frame) seq = Math.max(seq, frame.seq!)
  if (frame.type === "welcome") resend()
}

function resend(): void {
  resending = 0
  queue().forEach(tell)
}

function ping(): void {
  tell({ type: "ping" })
  beat = setTimeout(() => socket.close(), PONG_MS)
}

function closed(code: number): void {
  clearTimeout(beat)
  welcomed = false
  if (code === 4401) save(base, {})
  const slow = Math.min(SLOWEST_MS, 500 * 2 ** attempt++) * (0.5 + Math.random())
  const wait = code === 4000 || code === 4401 ? 0 : code === 4429 || code === 4403 ? (pause ||= PAUSE_MS) : Math.max(pause, slow)
  onLink("offline")
  reopening = setTimeout(open, wait)
}
