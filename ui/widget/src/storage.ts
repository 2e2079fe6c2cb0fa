// What a browser remembers; where storage is forbidden or full, the page's own memory does.
const memory: Record<string, string> = {}

export function load<T>(key: string): T | null {
  try {
    return JSON.parse(memory[key] ?? localStorage["counterman:" + key]) as T
  } catch {
    return null
  }
}

export function save(key: string, value: unknown): void {
  const text = (memory[key] = JSON.stringify(value))
  try {
    localStorage["counterman:" + key] = text
    delete memory[key]
  } catch {
    // the memory has it
  }
}
