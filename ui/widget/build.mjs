// Builds static/: the panel and the texts under names with their contents' hash, then the loader that knows it.
import { createHash } from "node:crypto"
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { gzipSync } from "node:zlib"
import { build } from "vite"

const OUT = "static"

const words = Object.fromEntries(
  readdirSync("src/texts").sort().map((file) => [file.slice(0, 2), JSON.parse(readFileSync(`src/texts/${file}`, "utf8"))]),
)
const keys = Object.keys(words.en)
for (const [lang, texts] of Object.entries(words)) {
  const wrong = [...keys.filter((key) => !texts[key]), ...Object.keys(texts).filter((key) => !keys.includes(key))]
  if (wrong.length > 0) throw new Error(`texts/${lang}.json: ${wrong.join(", ")}`)
}

// Class names and custom properties of the shadow tree become one letter: together they are 2 % of all bytes.
const sheets = readFileSync("src/loader.css", "utf8") + readFileSync("src/panel.css", "utf8")
const PUBLIC = ["--accent", "--on-accent", "--radius", "--offset"]
const found = (pattern) => [...new Set(sheets.match(pattern))].filter((name) => !PUBLIC.includes(name))
const short = (names, prefix) => names.map((name, index) => [name, prefix + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[index]])
const names = new Map([...short(found(/\.[a-z]+(?![\w.])/g), "."), ...short(found(/--[a-z-]+/g), "--")])
const shorter = (text) => text.replace(/(\.|--)[a-z-]+(?![\w])/g, (name) => names.get(name) ?? name)
const shorterClasses = (code) =>
  code
    .replace(/"[^"\n]*"/g, shorter)
    .replace(/(classList\.\w+\()"([a-z]+)"/g, (_, before, name) => `${before}"${names.get("." + name).slice(1)}"`)

const letters = {
  name: "letters",
  enforce: "pre",
  transform: (code, id) => (id.includes(".css") ? shorter(code) : id.endsWith(".ts") && !id.includes("/node_modules/") ? shorterClasses(code) : null),
}

// `t.$key` in the sources becomes the key's position, and a language's file the bare list of its texts
const positions = {
  name: "positions",
  enforce: "pre",
  transform: (code, id) => (id.endsWith(".ts") ? code.replace(/\bt\.\$(\w+)/g, (_, key) => `t[${position(key)}]`) : null),
}

function position(key) {
  if (!keys.includes(key)) throw new Error(`There is no text "${key}".`)
  return keys.indexOf(key)
}

function bundle(name, format, define) {
  return build({
    configFile: false,
    logLevel: "warn",
    define,
    plugins: [positions, letters],
    build: {
      outDir: OUT,
      emptyOutDir: false,
      target: "es2022",
      cssTarget: ["chrome123", "firefox121", "safari17.5"],
      minify: "terser",
      terserOptions: { module: true, compress: { passes: 3, ecma: 2020, unsafe_arrows: true, pure_getters: true }, format: { comments: false, preserve_annotations: false } },
      lib: { entry: `src/${name}.ts`, formats: [format], name: "counterman", fileName: () => `${name}.js` },
    },
  })
}

rmSync(OUT, { recursive: true, force: true })
await bundle("panel", "es", {})
const panel = readFileSync(`${OUT}/panel.js`)
const files = Object.entries(words).map(([lang, texts]) => [lang, JSON.stringify(keys.map((key) => texts[key]))])
const VERSION = createHash("sha256").update(panel).update(JSON.stringify(files)).digest("hex").slice(0, 8)
renameSync(`${OUT}/panel.js`, `${OUT}/panel-${VERSION}.js`)
for (const [lang, texts] of files) writeFileSync(`${OUT}/${lang}-${VERSION}.json`, texts)
await bundle("loader", "iife", {
  VERSION: JSON.stringify(VERSION),
  LANGS: JSON.stringify(Object.keys(words).join(" ")),
})
for (const file of ["chat.html", "chat.css"]) cpSync(`src/${file}`, `${OUT}/${file}`)

const size = (name) => gzipSync(readFileSync(`${OUT}/${name}`), { level: 9 }).length
const sizes = ["loader.js", `panel-${VERSION}.js`, `ru-${VERSION}.json`].map(size)
console.log(`gzipped: loader ${sizes[0]} + panel ${sizes[1]} + texts (ru) ${sizes[2]} = ${sizes.reduce((a, b) => a + b)} bytes`)
