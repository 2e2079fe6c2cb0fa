"""A small bot by python-telegram-bot, with which the tests' Bot API server is certified."""

from __future__ import annotations

import os

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto, Update
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, MessageHandler, filters

KEYS = InlineKeyboardMarkup([[InlineKeyboardButton("turn", callback_data="page:2")]])


async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message
    await update.message.reply_text(f"started with {' '.join(context.args or ())}")


async def text(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message
    await update.message.reply_chat_action("typing")
    await update.message.reply_html(f"<b>echo</b> {update.message.text}", reply_markup=KEYS)


async def pressed(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    query = update.callback_query
    assert query
    await query.answer("turned")
    await query.edit_message_text(f"now {query.data}")


async def contact(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message and update.message.contact
    await update.message.reply_text(f"call {update.message.contact.phone_number}")


async def photo(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message
    best = update.message.photo[-1]
    data = await (await best.get_file()).download_as_bytearray()
    await update.message.reply_photo(bytes(data), caption=f"{len(data)} bytes")
    await update.message.reply_media_group([InputMediaPhoto(best.file_id), InputMediaPhoto(bytes(data))])


def main() -> None:
    base = os.environ["API_URL"]
    app = (
        Application.builder()
        .token(os.environ["TOKEN"])
        .base_url(f"{base}/bot")
        .base_file_url(f"{base}/file/bot")
        .build()
    )
    app.add_handler(CommandHandler("start", start))
    app.add_handler(CallbackQueryHandler(pressed))
    app.add_handler(MessageHandler(filters.CONTACT, contact))
    app.add_handler(MessageHandler(filters.PHOTO, photo))
    app.add_handler(MessageHandler(filters.TEXT, text))
    if hook := os.environ.get("HOOK_PORT"):
        app.run_webhook("127.0.0.1", int(hook), "hook", webhook_url=f"http://127.0.0.1:{hook}/hook", secret_token="s-1")
    else:
        app.run_polling()


if __name__ == "__main__":
    main()
