// The part of Markdown that answers use, built as elements: paragraphs, lists, bold, code and web links.
import { h } from "./tools"

const INLINE = /\*\*(.+?)\*\*|`([^`]+)`|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)])/g
const ITEM = /^\s*(?:[-*•]|(\d+)[.)])\s+/

export function markdown(text: string): DocumentFragment {
  const out = document.createDocumentFragment()
  let block = null as HTMLElement | null
  for (const line of text.split("\n")) {
    const item = ITEM.exec(line)
    const kind = item ? (item[1] ? "OL" : "UL") : "P"
    if (!line.trim()) {
      block = null
      continue
    }
    if (block?.tagName !== kind) {
      block = h(kind.toLowerCase() as "p")
      if (item?.[1]) (block as unknown as HTMLOListElement).start = +item[1]
      out.append(block)
    } else if (!item) block.append(h("br"))
    if (item) block.append(h("li", {}, inline(line.slice(item[0].length))))
    else block.append(inline(line))
  }
  return out
}

function inline(text: string): DocumentFragment {
  const out = document.createDocumentFragment()
  let at = 0
  for (const found of text.matchAll(INLINE)) {
    const [whole, bold, code, label, url, bare] = found
    out.append(text.slice(at, found.index))
    at = found.index + whole.length
    if (bold) out.append(h("b", {}, inline(bold)))
    else if (code) out.append(h("code", {}, code))
    else out.append(h("a", { href: (url ?? bare)!, target: "_blank", rel: "noopener noreferrer nofollow" }, label ?? bare!))
  }
  out.append(text.slice(at))
  return out
}
