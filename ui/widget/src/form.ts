// The contact form: as few fields as the shop asks for, and nothing leaves without consent.
import type { Ask, Field } from "./protocol"
import { h, t } from "./tools"

export function form(ask: Ask, privacy: string | undefined, send: (values: Record<string, string>) => void): HTMLElement {
  const inputs = ask.fields.map(input)
  const consent = h<HTMLInputElement>("input", { type: "checkbox", required: true, oninput: calm })
  const trap = h<HTMLInputElement>("input.sr", { tabIndex: -1, autocomplete: "off", ariaHidden: "true" }) // for programs
  const href = ask.consent.url ?? privacy ?? ""
  const link = /^https?:/.test(href) && h("a", { href, target: "_blank", rel: "noopener" }, t.$privacy)
  const onsubmit = (event: SubmitEvent) => {
    event.preventDefault()
    const wrong = [...inputs, consent].filter(complain)[0]
    if (wrong) return wrong.focus()
    const values = Object.fromEntries(inputs.map((element) => [element.name, element.value]))
    send({ ...values, website: trap.value })
  }
  return h(
    "form.form",
    { noValidate: true, onsubmit },
    h("b", {}, ask.title),
    ...ask.fields.map((field, index) => h("label", {}, field.label, field.required && " *", inputs[index])),
    trap,
    h("label.agree", {}, consent, h("span", {}, ask.consent.text, " ", link)),
    h("button.main", { type: "submit" }, ask.submit),
  )
}

/** What stands in the form's place when it has been sent. */
export const sent = (): HTMLElement => h("p.form.done", {}, "✓ ", t.$sent)

function input({ name, type, required = false }: Field): HTMLInputElement {
  const long = type === "textarea"
  return h(long ? type : "input", { name, required, maxLength: 999, oninput: calm, ...(long ? {} : { type, autocomplete: type === "text" ? name : type }) })
}

function complain(element: HTMLInputElement): boolean {
  calm({ target: element })
  const wrong = !element.validity.valid
  if (wrong) {
    element.ariaInvalid = "true"
    element.closest("label")!.append(h("span.wrong", { role: "alert" }, element.type === "checkbox" ? t.$agree : t.$required))
  }
  return wrong
}

function calm({ target }: { target: EventTarget | null }): void {
  const element = target as HTMLInputElement
  element.ariaInvalid = null
  element.closest("label")!.querySelector(".wrong")?.remove()
}
