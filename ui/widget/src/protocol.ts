// The words of protocol v1 (docs/protocol.md) as types.
export interface Card {
  sku: string
  name: string
  price: string | null
  currency: string
  stock: string | null
  unit: string
  brand: string
  category: string
  photo: string
  attributes: [string, string][]
}

export interface Field {
  name: string
  label: string
  type: string // of an <input>, or "textarea"
  required?: boolean
}

export interface Durable {
  seq: number
  mid: string
  at?: string
}

export type Said = Durable & {
  type: "msg"
  role: "user" | "bot" | "agent" | "system"
  text: string
  kind?: string
  cid?: string
}
export type Cards = Partial<Durable> & { type: "cards"; mid: string; items: Card[] }
export type Quicks = Durable & { type: "quick"; items: string[] }
export type Ask = Durable & {
  type: "form"
  form_id: string
  title: string
  fields: Field[]
  consent: { text: string; version: string; url?: string }
  submit: string
}
export type State = Durable & { type: "state"; mode: "bot" | "queue" | "agent"; agent?: { name?: string } }
export type Event = Said | Cards | Quicks | Ask | State

export interface Shop {
  title?: string
  subtitle?: string
  greeting?: string
  quick?: string[]
  privacy_url?: string
}

export interface Welcome {
  type: "welcome"
  v: number
  sid: string
  token: string
  resumed: boolean
  seq: number
  missed: Event[]
  live?: { mid: string; text: string; cards?: Card[] }
  limits: { text_chars: number }
  cfg: Shop
}

export interface Trouble {
  type: "err"
  code: string
  cid?: string
  mid?: string
  retry_ms?: number
  fatal?: boolean
}

export type FromServer =
  | Event
  | Welcome
  | Trouble
  | { type: "ack"; cid: string; mid: string; seq: number; dup?: boolean }
  | { type: "start"; mid: string; role: string }
  | { type: "delta"; mid: string; off: number; d: string }
  | { type: "pong" }

export type Outgoing =
  | { type: "msg"; cid: string; text: string }
  | { type: "action"; cid: string; kind: "quick" | "card" | "cta"; ref: string }
  | { type: "form"; cid: string; form_id: string; values: Record<string, string>; consent: string }
