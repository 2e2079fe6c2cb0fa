"""What each method of the Bot API does in this server's world."""

from __future__ import annotations

import io
import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, UnidentifiedImageError

from tests.botapi.markup import CAPTION, TEXT, read_text, units
from tests.botapi.spec import BadRequest
from tests.botapi.world import Bot, Chat, File, World

UPLOAD = 50 << 20  # bytes that a bot may upload; photos: 10 MB
PHOTO = 10 << 20
DOWNLOAD = 20 << 20  # bytes that getFile gives
ACTIONS = {"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
           "choose_sticker", "find_location", "record_video_note", "upload_video_note"}  # fmt: skip
SETTINGS = {"MyCommands": "commands", "MyDescription": "description", "MyShortDescription": "short_description",
            "MyName": "name", "ChatMenuButton": "menu_button"}  # fmt: skip


@dataclass(kw_only=True)
class Call:
    """One request: who asks, what for, with which parameters and uploaded files."""

    world: World
    bot: Bot
    method: str
    given: dict[str, Any]
    files: Mapping[str, tuple[str, bytes, str]] = field(default_factory=dict)  # name -> filename, data, mime

    @property
    def chat(self) -> Chat:
        """The chat that is written to; raises `BadRequest` where the bot may not."""
        chat = self.bot.chat(self.given.get("chat_id"))
        if chat is None:
            raise BadRequest("Bad Request: chat not found")
        if chat.migrated_to:
            raise BadRequest(
                "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to
            )
        if chat.blocked:
            raise BadRequest("Forbidden: bot was blocked by the user", code=403)
        return chat

    def message(self) -> dict[str, Any]:
        """The message of the bot that is to be changed."""
        message = self.chat.messages.get(self.given.get("message_id", 0))
        if message is None:
            raise BadRequest("Bad Request: message to edit not found")
        if message["from"]["id"] != self.bot.id:
            raise BadRequest("Bad Request: message can't be edited")
        return message


def run(call: Call) -> Any:
    """The method's result; raises `BadRequest`."""
    if action := METHODS.get(call.method):
        return action(call)
    for name, key in SETTINGS.items():
        if call.method.endswith(name) and call.method.removesuffix(name) in ("set", "get", "delete"):
            return _setting(call, call.method.removesuffix(name), name, key)
    raise BadRequest(f"{call.method} is in the specification, but this server does not do it", code=501)


def counted(call: Call) -> int:
    """How many messages the call is in the eyes of the limits; 0 for what is not limited."""
    if call.method.startswith(("send", "edit", "copy", "forward")) and call.method != "sendChatAction":
        return len(call.given.get("media", ())) if call.method == "sendMediaGroup" else 1
    return 0


def _send(call: Call, **content: Any) -> dict[str, Any]:
    chat, given = call.chat, call.given
    markup = given.get("reply_markup")
    if markup:
        _check_keyboard(markup)
    about = {}
    if (reply := given.get("reply_parameters")) and (original := chat.messages.get(reply["message_id"])):
        about["reply_to_message"] = {key: value for key, value in original.items() if key != "reply_to_message"}
    message = call.world.message(chat, call.bot.user, **content, **about)
    if markup and "inline_keyboard" in markup:
        message["reply_markup"] = markup
    elif markup and "keyboard" in markup:
        chat.keyboard = markup
    elif markup and "remove_keyboard" in markup:
        chat.keyboard = None
    chat.messages[message["message_id"]] = message
    chat.drafts.clear()
    chat.show("sent", message)
    return message


def _send_message(call: Call) -> Any:
    given = call.given
    return _send(
        call, **read_text(given["text"], given.get("parse_mode"), given.get("entities"), limit=TEXT, what="text")
    )


def _send_photo(call: Call) -> Any:
    return _send(call, photo=_photo_sizes(_file(call, call.given.get("photo", ""), "photo")), **_caption(call.given))


def _send_document(call: Call) -> Any:
    file = _file(call, call.given.get("document", ""), "document")
    document = {"file_id": file.id, "file_unique_id": file.unique, "file_name": file.name, "mime_type": file.mime,
                "file_size": len(file.data)}  # fmt: skip
    return _send(call, document=document, **_caption(call.given))


def _send_voice(call: Call) -> Any:
    file = _file(call, call.given.get("voice", ""), "voice")
    return _send(call, voice={"file_id": file.id, "file_unique_id": file.unique, "duration": 3}, **_caption(call.given))


def _send_sticker(call: Call) -> Any:
    file = _file(call, call.given.get("sticker", ""), "sticker")
    about = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
    return _send(call, sticker={"file_id": file.id, "file_unique_id": file.unique, **about})


def _send_album(call: Call) -> Any:
    media = call.given["media"]
    contents = []
    for item in media:
        if item["type"] != "photo":
            raise BadRequest("Bad Request: this server's albums hold photos only")
        contents.append({"photo": _photo_sizes(_file(call, item["media"], "photo")), **_caption(item)})
    group = str(time.time_ns())
    return [_send(call, media_group_id=group, **content) for content in contents]


def _send_contact(call: Call) -> Any:
    keys = ("phone_number", "first_name", "last_name", "vcard")
    return _send(call, contact={key: call.given[key] for key in keys if key in call.given})


def _send_draft(call: Call) -> Any:
    chat, given = call.chat, call.given
    if chat.kind != "private":
        raise BadRequest("Bad Request: drafts are for private chats")
    if not given["draft_id"]:
        raise BadRequest("Bad Request: DRAFT_ID_INVALID")
    text = given.get("text", "")
    if text:
        read_text(text, given.get("parse_mode"), given.get("entities"), limit=TEXT, what="text")
    chat.drafts[given["draft_id"]] = text
    chat.show("draft", {"draft_id": given["draft_id"], "text": text})
    return True


def _send_action(call: Call) -> Any:
    if call.given["action"] not in ACTIONS:
        raise BadRequest("Bad Request: wrong parameter action in request")
    call.chat.actions.append((time.time(), call.given["action"]))
    return True


def _edit(call: Call, *, drop: tuple[str, ...], **content: Any) -> dict[str, Any]:
    message = call.message()
    markup = call.given.get("reply_markup")
    if markup is not None:
        if "inline_keyboard" not in markup:
            raise BadRequest("Bad Request: inline keyboard expected")
        _check_keyboard(markup)
    new = {key: value for key, value in message.items() if key not in (*drop, "reply_markup")} | content
    if markup and markup["inline_keyboard"]:
        new["reply_markup"] = markup
    if {**new, "edit_date": 0} == {**message, "edit_date": 0}:
        raise BadRequest(
            "Bad Request: message is not modified: specified new message content and reply markup are exactly the same "
            "as a current content and reply markup of the message"
        )
    message.clear()
    message.update(new, edit_date=int(time.time()))
    call.chat.show("edited", message)
    return message


def _edit_text(call: Call) -> Any:
    given = call.given
    if "text" not in call.message():
        raise BadRequest("Bad Request: there is no text in the message to edit")
    read = read_text(given.get("text", ""), given.get("parse_mode"), given.get("entities"), limit=TEXT, what="text")
    return _edit(call, drop=("text", "entities"), **read)


def _edit_caption(call: Call) -> Any:
    if "text" in call.message():
        raise BadRequest("Bad Request: there is no caption in the message to edit")
    return _edit(call, drop=("caption", "caption_entities"), **_caption(call.given))


def _edit_media(call: Call) -> Any:
    media = call.given["media"]
    if media["type"] != "photo":
        raise BadRequest("Bad Request: this server edits photos only")
    content = {"photo": _photo_sizes(_file(call, media["media"], "photo")), **_caption(media)}
    return _edit(call, drop=("text", "entities", "photo", "document", "caption", "caption_entities"), **content)


def _edit_markup(call: Call) -> Any:
    return _edit(call, drop=())


def _delete(call: Call) -> Any:
    for id in call.given.get("message_ids") or [call.given.get("message_id")]:
        message = call.chat.messages.pop(id, None)
        if message is None and call.method == "deleteMessage":
            raise BadRequest("Bad Request: message to delete not found")
        if message:
            call.chat.show("deleted", message)
    return True


def _answer(call: Call) -> Any:
    query = call.given["callback_query_id"]
    if query not in call.bot.answers:
        raise BadRequest("Bad Request: query is too old and response timeout expired or query ID is invalid")
    if units(call.given.get("text", "")) > 200:
        raise BadRequest("Bad Request: MESSAGE_TOO_LONG")
    call.bot.answers[query] |= {"answered": True, "text": call.given.get("text", ""), **call.given}
    return True


def _get_chat(call: Call) -> Any:
    return {**call.chat.about, "accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": {
        "unlimited_gifts": False, "limited_gifts": False, "unique_gifts": False, "premium_subscription": False,
        "gifts_from_channels": False}}  # fmt: skip


def _get_file(call: Call) -> Any:
    file = _own(call, call.given["file_id"])
    if len(file.data) > DOWNLOAD:
        raise BadRequest("Bad Request: file is too big")
    return {
        "file_id": file.id,
        "file_unique_id": file.unique,
        "file_size": len(file.data),
        "file_path": f"files/{file.id}",
    }


def _setting(call: Call, verb: str, name: str, key: str) -> Any:
    scope = json.dumps(call.given.get("scope", {"type": "default"}), sort_keys=True)
    place = f"{name}:{scope}:{call.given.get('language_code', '')}:{call.given.get('chat_id', '')}"
    empty: Any = [] if key == "commands" else {"type": "default"} if key == "menu_button" else ""
    match verb:
        case "set":
            for command in call.given.get("commands", ()):
                if not (command["command"].replace("_", "a").isalnum() and len(command["command"]) <= 32):
                    raise BadRequest("Bad Request: BOT_COMMAND_INVALID")
                if not 1 <= len(command["description"]) <= 256:
                    raise BadRequest("Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
            call.bot.settings[place] = call.given.get(key, empty)
            return True
        case "delete":
            call.bot.settings.pop(place, None)
            return True
    value = call.bot.settings.get(place, empty)
    return value if key in ("commands", "menu_button") else {key: value}


def _caption(given: Mapping[str, Any]) -> dict[str, Any]:
    entities = given.get("caption_entities")
    return read_text(given.get("caption", ""), given.get("parse_mode"), entities, limit=CAPTION, what="caption")


def _file(call: Call, given: str, name: str) -> File:
    """An upload, a file_id of this bot, or a URL that is fetched."""
    upload = call.files.get(given.removeprefix("attach://") if given.startswith("attach://") else name)
    if upload is not None and (given.startswith("attach://") or not given):
        filename, data, mime = upload
        if len(data) > (PHOTO if name == "photo" else UPLOAD):
            raise BadRequest("Request Entity Too Large", code=413)
        if not data:
            raise BadRequest("Bad Request: file must be non-empty")
    elif given.startswith(("http://", "https://")):
        filename, data, mime = given.rpartition("/")[2], _fetched(given), "application/octet-stream"
    else:
        return _own(call, given)
    if name == "photo":
        _check_picture(data)
    return call.world.keep(call.bot, data, name=filename, mime=mime)


def _own(call: Call, id: str) -> File:
    file = call.world.files.get(id)
    if file is None or file.bot != call.bot.id:
        raise BadRequest("Bad Request: wrong file identifier/HTTP URL specified")
    return file


def _fetched(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return answer.read()  # type: ignore[no-any-return]
    except OSError:
        raise BadRequest("Bad Request: failed to get HTTP URL content") from None


def _check_picture(data: bytes) -> None:
    try:
        width, height = Image.open(io.BytesIO(data)).size
    except (UnidentifiedImageError, OSError):
        raise BadRequest("Bad Request: IMAGE_PROCESS_FAILED") from None
    if width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise BadRequest("Bad Request: PHOTO_INVALID_DIMENSIONS")


def _photo_sizes(file: File) -> list[dict[str, Any]]:
    width, height = Image.open(io.BytesIO(file.data)).size
    return [
        {
            "file_id": file.id,
            "file_unique_id": file.unique,
            "width": width,
            "height": height,
            "file_size": len(file.data),
        }
    ]


def _check_keyboard(markup: Mapping[str, Any]) -> None:
    for row in markup.get("inline_keyboard", ()):
        for button in row:
            if not button["text"].strip():
                raise BadRequest("Bad Request: text buttons are unallowed in the inline keyboard")
            if len([key for key in button if key not in ("text", "style", "icon_custom_emoji_id")]) != 1:
                raise BadRequest("Bad Request: can't parse inline keyboard button: one action is needed")
            if "url" in button and not button["url"].startswith(("http://", "https://", "tg://")):
                raise BadRequest("Bad Request: BUTTON_URL_INVALID")


METHODS: Mapping[str, Callable[[Call], Any]] = {
    "getMe": lambda call: {**call.bot.user, "can_join_groups": True, "can_read_all_group_messages": False,
                           "supports_inline_queries": False},
    "getChat": _get_chat,
    "getFile": _get_file,
    "sendMessage": _send_message,
    "sendPhoto": _send_photo,
    "sendDocument": _send_document,
    "sendVoice": _send_voice,
    "sendSticker": _send_sticker,
    "sendMediaGroup": _send_album,
    "sendContact": _send_contact,
    "sendMessageDraft": _send_draft,
    "sendChatAction": _send_action,
    "editMessageText": _edit_text,
    "editMessageCaption": _edit_caption,
    "editMessageMedia": _edit_media,
    "editMessageReplyMarkup": _edit_markup,
    "deleteMessage": _delete,
    "deleteMessages": _delete,
    "answerCallbackQuery": _answer,
    "logOut": lambda call: True,
    "close": lambda call: True,
}  # fmt: skip
