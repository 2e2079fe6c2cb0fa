"""A person with Telegram: writes, presses buttons, shares a contact, sends pictures, and reads what the bot shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.botapi.markup import as_html, commands_in
from tests.botapi.server import BotApi
from tests.botapi.world import Bot, Chat

PATIENCE = 20.0  # seconds that a person waits for something to appear


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A message of the bot as it stands on the screen now."""

    id: int
    text: str
    photo: str
    buttons: tuple[str, ...]
    raw: dict[str, Any]


class Customer:
    """One person in a private chat with one bot (or a member of a group)."""

    def __init__(self, api: BotApi, bot: Bot, *, id: int, name: str = "Anna", lang: str = "ru", group: int = 0) -> None:
        self.api, self.bot = api, bot
        self.user = {"id": id, "is_bot": False, "first_name": name, "language_code": lang}
        self.chat: Chat = (
            api.world.open_chat(bot, group, kind="group", about={"title": "Group"}) if group
            else api.world.open_chat(bot, id, kind="private", about={"first_name": name})
        )  # fmt: skip

    def write(self, text: str, **more: Any) -> int:
        """Sends a text; gives the message's id."""
        entities = commands_in(text)
        return self._say(text=text, **({"entities": entities} if entities else {}), **more)

    def start(self, payload: str = "") -> int:
        """Opens t.me/bot?start=payload."""
        return self.write(f"/start {payload}".strip())

    def press(self, label: str) -> str:
        """Taps the newest inline button whose text contains `label`; gives the query's id."""
        for message in sorted(self.chat.messages.values(), key=lambda message: -message["message_id"]):
            for row in message.get("reply_markup", {}).get("inline_keyboard", ()):
                for button in row:
                    if label in button["text"] and "callback_data" in button:
                        return self.press_data(button["callback_data"], message)
        raise AssertionError(f"no button {label!r}; there are {[seen.buttons for seen in self.seen()]}")

    def press_data(self, data: str, message: dict[str, Any] | None = None) -> str:
        """A callback query with any data, also forged."""
        query = self.api.world.next_query()
        message = message or max(self.chat.messages.values(), key=lambda message: int(message["message_id"]))
        self.bot.answers[query] = {"answered": False, "text": ""}
        self.api.world.tell(
            self.bot,
            callback_query={
                "id": query, "from": self.user, "chat_instance": self.chat.instance, "data": data,
                "message": {key: value for key, value in message.items() if key != "reply_to_message"},
            },
        )  # fmt: skip
        return query

    def tap(self, label: str) -> int:
        """Taps a button of the keyboard under the text field: sends its text, or the contact that it asks for."""
        for row in (self.chat.keyboard or {}).get("keyboard", ()):
            for button in row:
                if label in button["text"]:
                    keyboard, once = self.chat.keyboard, (self.chat.keyboard or {}).get("one_time_keyboard")
                    self.chat.keyboard = None if once else keyboard
                    return self.share_contact() if button.get("request_contact") else self.write(button["text"])
        raise AssertionError(f"no key {label!r} in {self.chat.keyboard}")

    def share_contact(self, phone: str = "+79161234567", *, of: int | None = None) -> int:
        """One's own contact, or (`of`) another person's."""
        person = of if of is not None else self.user["id"]
        return self._say(contact={"phone_number": phone, "first_name": self.user["first_name"], "user_id": person})

    def send_photo(self, data: bytes, caption: str = "") -> int:
        from tests.botapi.methods import _photo_sizes

        file = self.api.world.keep(self.bot, data, name="photo.jpg", mime="image/jpeg")
        return self._say(photo=_photo_sizes(file), **({"caption": caption} if caption else {}))

    def send_voice(self, seconds: int = 3) -> int:
        file = self.api.world.keep(self.bot, b"OggS" + bytes(seconds), name="voice.ogg", mime="audio/ogg")
        return self._say(voice={"file_id": file.id, "file_unique_id": file.unique, "duration": seconds})

    def send_document(self, data: bytes = b"a,b\n1,2\n", name: str = "list.csv") -> int:
        file = self.api.world.keep(self.bot, data, name=name, mime="text/csv")
        return self._say(document={"file_id": file.id, "file_unique_id": file.unique, "file_name": name})

    def send_sticker(self) -> int:
        file = self.api.world.keep(self.bot, b"RIFFWEBP", name="sticker.webp", mime="image/webp")
        return self._say(
            sticker={"file_id": file.id, "file_unique_id": file.unique, "type": "regular", "width": 512, "height": 512,
                     "is_animated": False, "is_video": False}
        )  # fmt: skip

    def send_location(self) -> int:
        return self._say(location={"latitude": 55.75, "longitude": 37.62})

    def edit(self, message: int, text: str) -> None:
        """Corrects a message of one's own."""
        said = self.chat.messages[message]
        said.update(text=text, edit_date=int(time.time()))
        self.api.world.tell(self.bot, edited_message=dict(said))

    def block(self) -> None:
        self.chat.blocked = True
        self._member("member", "kicked")

    def unblock(self) -> None:
        self.chat.blocked = False
        self._member("kicked", "member")

    def seen(self) -> list[Seen]:
        """The bot's messages as they stand on the screen, oldest first."""
        return [_seen(message) for _, message in sorted(self.chat.messages.items()) if message["from"]["is_bot"]]

    async def sees(self, what: str | Callable[[Seen], bool], *, seconds: float = PATIENCE, after: int = 0) -> Seen:
        """Waits until a message of the bot has that text (or fits), and gives the newest one that does."""
        fits = (lambda seen: what in seen.text) if isinstance(what, str) else what
        deadline = time.monotonic() + seconds
        while True:
            self.chat.changed.clear()
            found = [seen for seen in self.seen() if seen.id > after and fits(seen)]
            if found:
                return found[-1]
            if time.monotonic() > deadline:
                raise AssertionError(f"not seen within {seconds:.0f} s: {what!r}\n{self.transcript()}")
            try:
                async with asyncio.timeout(0.2):
                    await self.chat.changed.wait()
            except TimeoutError:
                continue

    async def answered(self, query: str, *, seconds: float = PATIENCE) -> str:
        """Waits until a press has been answered; gives the notice that popped up."""
        deadline = time.monotonic() + seconds
        while not self.bot.answers[query]["answered"]:
            assert time.monotonic() < deadline, "the button still spins"
            await asyncio.sleep(0.02)
        return str(self.bot.answers[query]["text"])

    def transcript(self) -> str:
        """The chat as a person scrolls through it, edits applied."""
        lines = []
        for _, message in sorted(self.chat.messages.items()):
            who = self.bot.name if message["from"]["is_bot"] else self.user["first_name"]
            text = message.get("text") or message.get("caption") or f"[{_kind(message)}]"
            photo = "[photo] " if "photo" in message else ""
            lines.append(f"{who}: {photo}{text}")
            rows = message.get("reply_markup", {}).get("inline_keyboard", ())
            lines += ["    " + "  ".join(f"[{button['text']}]" for button in row) for row in rows]
        keys = (self.chat.keyboard or {}).get("keyboard", ())
        lines += ["  keys " + "  ".join(f"<{key['text']}>" for key in row) for row in keys]
        return "\n".join(lines)

    def _say(self, **content: Any) -> int:
        message = self.api.world.message(self.chat, self.user, **content)
        self.chat.messages[message["message_id"]] = message
        self.chat.show("said", message)
        self.api.world.tell(self.bot, message=message)
        return int(message["message_id"])

    def _member(self, old: str, new: str) -> None:
        def member(status: str) -> dict[str, Any]:
            return {"status": status, "user": self.bot.user} | ({"until_date": 0} if status == "kicked" else {})

        self.api.world.tell(
            self.bot,
            my_chat_member={"chat": self.chat.about, "from": self.user, "date": int(time.time()),
                            "old_chat_member": member(old), "new_chat_member": member(new)},
        )  # fmt: skip


def html_of(message: dict[str, Any]) -> str:
    """A message's text or caption with its bold and links, as HTML."""
    if "text" in message:
        return as_html(message["text"], message.get("entities", []))
    return as_html(message.get("caption", ""), message.get("caption_entities", []))


def _seen(message: dict[str, Any]) -> Seen:
    rows = message.get("reply_markup", {}).get("inline_keyboard", ())
    photo = message["photo"][-1]["file_unique_id"] if "photo" in message else ""
    return Seen(
        id=message["message_id"], text=message.get("text") or message.get("caption") or "", photo=photo,
        buttons=tuple(button["text"] for row in rows for button in row), raw=message,
    )  # fmt: skip


def _kind(message: dict[str, Any]) -> str:
    kinds = ("photo", "voice", "document", "sticker", "contact", "location")
    return next((kind for kind in kinds if kind in message), "something")
