// Products as cards: photo, price, stock, and the attributes behind "details".
import type { Card } from "./protocol"
import { h, icon, lang, t } from "./tools"

const SHOWN = 3 // the rest waits behind "show more", so that the words below stay in sight
const BOX = "m3 8 9-5 9 5v8l-9 5-9-5V8l9 5 9-5m-9 5v8"

export function cards(items: Card[], base: string, ask: (card: Card) => void): HTMLElement {
  const rows = items.map((item) => card(item, base, ask))
  const rest = rows.slice(SHOWN)
  const goods = h("div.goods", {}, h("ul", {}, ...rows))
  if (!rest[0]) return goods
  rest.forEach((row) => (row.hidden = true))
  const onclick = () => {
    rest.forEach((row) => (row.hidden = false))
    more.remove()
    rest[0]!.querySelector("button")!.focus()
  }
  const more = h("button.more", { onclick }, `${t.$more} (${rest.length})`)
  goods.append(more)
  return goods
}

function card(item: Card, base: string, ask: (card: Card) => void): HTMLElement {
  const question = h("button.link", { onclick: () => ask(item) }, t.$ask)
  const rows = item.attributes.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])
  const facts = h("div.facts", { hidden: true }, h("dl", {}, ...rows), question)
  const onclick = () => {
    facts.hidden = !facts.hidden
    details.ariaExpanded = String(!facts.hidden)
  }
  const details = h("button.link", { ariaExpanded: "false", onclick }, t.$details)
  return h(
    "li",
    {},
    photo(item.photo, base),
    h(
      "div",
      {},
      h("b", {}, item.name),
      h("p", {}, [item.brand, item.sku].filter(Boolean).join(" · ")),
      h("p.price", {}, item.price === null ? t.$request : price(item.price, item.currency)),
      h("div.acts", {}, stock(item.stock, item.unit), rows[0] ? details : question),
    ),
    rows[0] && facts,
  )
}

function photo(path: string, base: string): HTMLElement {
  const frame = h("div.photo", {}, icon(BOX))
  if (/^(https?:|\/)/.test(path)) {
    const image: HTMLElement = h("img", { alt: "", onload: () => frame.replaceChildren(image), src: new URL(path, base + "/").href })
  }
  return frame
}

function stock(decimal: string | null, unit: string): HTMLElement {
  if (decimal === null) return h("p")
  const some = parseFloat(decimal) > 0
  return h(some ? "p.stock" : "p.stock.none", {}, some ? `${t.$stock}: ${number(decimal)} ${unit}` : t.$order)
}

/** A decimal string as money in the reader's manner; its digits are never rounded. */
function price(decimal: string, currency: string): string {
  try {
    return number(decimal, { style: "currency", currency, currencyDisplay: "narrowSymbol", trailingZeroDisplay: "stripIfInteger" })
  } catch {
    return `${number(decimal)} ${currency}` // no currency that browsers know
  }
}

function number(decimal: string, style: Intl.NumberFormatOptions = {}): string {
  return new Intl.NumberFormat(lang, { maximumFractionDigits: 12, ...style }).format(decimal as unknown as number)
}
