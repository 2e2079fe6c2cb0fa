// Builds elements; text is always text, so nothing here can be injected.
type Props = Record<string, unknown>
type Kid = Node | string | number | false | null | undefined

/** `h("button.icon", {onclick}, "text")`: an element, its class, its properties and attributes, its children. */
export function h<T extends HTMLElement = HTMLElement>(what: string, props: Props = {}, ...kids: Kid[]): T {
  const [tag, ...names] = what.split(".")
  const element = document.createElement(tag!)
  element.className = names.join(" ")
  for (const name in props) {
    if (/^aria/.test(name)) element.setAttribute(name.replace("aria", "aria-"), props[name] as string) // aria-label from ariaLabel
    else if (name in element) (element as unknown as Props)[name] = props[name]
    else if (props[name] != null) element.setAttribute(name, props[name] as string)
  }
  element.append(...(kids.filter(Boolean) as Node[]))
  return element as T
}

/** A 24×24 line icon from one path. */
export function icon(path: string): Element {
  const make = (tag: string, name: string, value: string) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag)
    element.setAttribute(name, value)
    return element
  }
  const svg = make("svg", "viewBox", "0 0 24 24")
  svg.append(make("path", "d", path))
  return svg
}

/** Puts a style sheet into a shadow root in the one way that a strict Content-Security-Policy allows. */
export function dress(root: ShadowRoot, css: string): void {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(css)
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet]
}
