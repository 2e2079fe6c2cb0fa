// A small bot by grammY, with which the tests' Bot API server is certified.
import { createServer } from "node:http"
import { createRequire } from "node:module"

const { Bot, InlineKeyboard, InputFile, InputMediaBuilder, webhookCallback } = createRequire(`${process.env.FOLDER}/`)("grammy")
const base = process.env.API_URL
const bot = new Bot(process.env.TOKEN, { client: { apiRoot: base } })

bot.command("start", (ctx) => ctx.reply(`started with ${ctx.match}`))
bot.on("callback_query:data", async (ctx) => {
  await ctx.answerCallbackQuery("turned")
  await ctx.editMessageText(`now ${ctx.callbackQuery.data}`)
})
bot.on("message:contact", (ctx) => ctx.reply(`call ${ctx.message.contact.phone_number}`))
bot.on("message:photo", async (ctx) => {
  const file = await ctx.getFile()
  const answer = await fetch(`${base}/file/bot${process.env.TOKEN}/${file.file_path}`)
  const data = new Uint8Array(await answer.arrayBuffer())
  await ctx.replyWithPhoto(new InputFile(data, "a.jpg"), { caption: `${data.length} bytes` })
  await ctx.replyWithMediaGroup([InputMediaBuilder.photo(file.file_id), InputMediaBuilder.photo(new InputFile(data, "b.jpg"))])
})
bot.on("message:text", async (ctx) => {
  await ctx.replyWithChatAction("typing")
  await ctx.reply(`<b>echo</b> ${ctx.message.text}`, { parse_mode: "HTML", reply_markup: new InlineKeyboard().text("turn", "page:2") })
})
bot.catch((error) => console.error(error))

if (process.env.HOOK_PORT) {
  createServer(webhookCallback(bot, "http", { secretToken: "s-1" })).listen(+process.env.HOOK_PORT, "127.0.0.1", async () => {
    await bot.api.setWebhook(`http://127.0.0.1:${process.env.HOOK_PORT}/hook`, { secret_token: "s-1" })
  })
} else bot.start()
