// What the loader has brought already, so that no page loads it twice: elements, storage, texts.
import type * as dom from "./dom"
import type * as storage from "./storage"
import type en from "./texts/en.json"

/** Texts by key; the build turns the keys into positions (see build.mjs). */
export type Texts = { [Key in keyof typeof en as `$${Key}`]: string }

export type Tools = typeof dom & typeof storage & { lang: string; t: Texts }

export let h: typeof dom.h
export let icon: typeof dom.icon
export let dress: typeof dom.dress
export let load: typeof storage.load
export let save: typeof storage.save
export let lang: string
export let t: Texts

export function equip(tools: Tools): void {
  ;({ h, icon, dress, load, save, lang, t } = tools)
}
