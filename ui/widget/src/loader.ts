// What every page of the shop loads: the launcher. The chat itself comes when it is opened or when somebody returns to it.
import { dress, h, icon } from "./dom"
import css from "./loader.css?inline"
import type * as Panel from "./panel"
import { load, save } from "./storage"

declare const VERSION: string // in the names of the panel's and the texts' files
declare const LANGS: string // "de en kk…"

const BACK_MS = 864e5 // a conversation of the last day goes on in the background, for its unread badge
const IDLE_MS = 1500 // after the page's own work
const BUBBLE = "M21 11.5a8.4 8.4 0 0 1-9 8.4 9.5 9.5 0 0 1-3.8-.8L3 21l1.7-4.5A8 8 0 0 1 3 11.5 8.7 8.7 0 0 1 12 3a8.7 8.7 0 0 1 9 8.5Z"

const script = document.currentScript as HTMLScriptElement
const base = script.src.split("/widget/v1/")[0]!
const page = "page" in script.dataset
const options = { ...(page ? Object.fromEntries(new URLSearchParams(location.search)) : {}), ...script.dataset } as DOMStringMap
const lang = [options.lang, ...navigator.languages].map((tag) => (tag ?? "").slice(0, 2)).find((tag) => tag && LANGS.includes(tag)) ?? "en"

class Chat extends HTMLElement {
  connectedCallback(): void {
    if (this.shadowRoot) return // only moved
    const root = this.attachShadow({ mode: "open" })
    const badge = h("span", { hidden: true })
    const launcher = h("button.launcher", { ariaLabel: options.label ?? (/ru|.k/.test(lang) ? "Чат" : "Chat") }, icon(BUBBLE), badge)
    let wanted = false
    let panel: Promise<() => void> | undefined

    const bring = () =>
      (panel ??= Promise.all([import(`${base}/widget/v1/panel-${VERSION}.js`), fetch(`${base}/widget/v1/${lang}-${VERSION}.json`)])
        .then(async ([module, texts]: [typeof Panel, Response]) =>
          module.mount(root, { base, page, title: script.dataset.title, unread, closed }, { h, icon, dress, load, save, lang, t: await texts.json() }),
        )
        .catch((error: unknown) => {
          panel = undefined
          throw error
        }))
    const open = () => {
      wanted = true
      bring().then(
        (show) => {
          launcher.hidden = true
          if (wanted) show()
        },
        () => page || window.open(base + "/chat"),
      )
    }
    const closed = () => {
      wanted = launcher.hidden = false
      launcher.focus()
    }
    const unread = (count: number) => {
      badge.hidden = !count
      badge.textContent = String(count)
    }

    dress(root, css)
    this.dataset.position = options.position
    const dark = matchMedia("(prefers-color-scheme:dark)")
    const shade = () => this.toggleAttribute("dark", options.theme === "dark" || (options.theme !== "light" && dark.matches))
    dark.onchange = shade
    shade()
    for (const name of ["accent", "radius", "offset"]) if (options[name]) this.style.setProperty("--" + name, options[name])
    if (page) {
      document.documentElement.lang = lang
      return open()
    }
    launcher.onclick = open
    root.append(launcher)
    if (Date.now() - (load<{ at?: number }>(base)?.at ?? 0) < BACK_MS) setTimeout(() => bring().catch(() => 0), IDLE_MS)
  }
}

if (!customElements.get("counterman-chat")) {
  customElements.define("counterman-chat", Chat)
  const add = () => document.body.append(h("counterman-chat"))
  document.body ? add() : addEventListener("DOMContentLoaded", add)
}
