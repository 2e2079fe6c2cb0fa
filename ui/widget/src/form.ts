// The contact form: as few fields as the shop asks for, and nothing leaves without consent.
import type { Ask, Field } from "./protocol"
import { h, t } from "./tools"

const TYPES: Record<string, string> = { phone: "tel", email: "email" }
const FILLED: Record<string, string> = { ...TYPES, name: "name", company: "organization" }

export function form(ask: Ask, privacy: string | undefined, send: (values: Record<string, string>) => void): HTMLElement {
  const fields = ask.fields.map((field) => (typeof field === "string" ? { name: field } : field))
  const inputs = fields.map(input)
  const consent = h<HTMLInputElement>("input", { type: "checkbox" })
  const trap = h<HTMLInputElement>("input.sr", { tabIndex: -1, autocomplete: "off", ariaHidden: "true" })
  const words = typeof ask.consent === "string" ? { text: ask.consent } : (ask.consent ?? {})
  const href = words.url ?? privacy ?? ""
  const link = /^https?:/.test(href) && h("a", { href, target: "_blank", rel: "noopener" }, t.$privacy)
  const onsubmit = (event: SubmitEvent) => {
    event.preventDefault()
    const empty = !inputs.some((element) => element.value.trim())
    const wrong = [...inputs, consent].filter((element, index) =>
      complain(element, (empty && !index) || !element.validity.valid || (element.required && !element.value.trim()) || (element === consent && !consent.checked)),
    )
    if (wrong[0]) return wrong[0].focus()
    const values = Object.fromEntries(inputs.map((element) => [element.name, element.value.trim()]))
    send({ ...values, website: trap.value })
  }
  return h(
    "form.form",
    { noValidate: true, onsubmit },
    h("b", {}, t.$form),
    ...fields.map((field, index) => h("label", {}, field.label || label(field.name), field.required && " *", inputs[index])),
    trap,
    h("label.agree", {}, consent, h("span", {}, words.text || t.$consent, " ", link)),
    h("button.main", { type: "submit" }, t.$submit),
  )
}

/** What stands in the form's place when it has been sent. */
export const sent = (): HTMLElement => h("p.form.done", {}, "✓ ", t.$sent)

const label = (name: string): string =>
  ({ name: t.$name, phone: t.$phone, email: t.$email, company: t.$company, need: t.$need })[name] ?? name

function input(field: Field): HTMLInputElement {
  const { name, required = false } = field
  const long = field.type === "textarea" || name === "need"
  const about = { name, required, maxLength: 2000, oninput: (event: Event) => complain(event.target as HTMLInputElement, false) }
  if (long) return h("textarea", { ...about, rows: 2 })
  return h("input", { ...about, type: field.type || TYPES[name] || "text", autocomplete: FILLED[name] ?? "off" })
}

function complain(element: HTMLInputElement, wrong: boolean): boolean {
  const label = element.closest("label")!
  label.querySelector(".wrong")?.remove()
  element.ariaInvalid = String(wrong)
  if (wrong) label.append(h("span.wrong", { role: "alert" }, element.type === "checkbox" ? t.$agree : t.$required))
  return wrong
}
