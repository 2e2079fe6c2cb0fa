"""How Telegram may refuse, as the channel tells it apart."""

from __future__ import annotations

from datetime import timedelta

from appliance.channels.base import ChannelError, Undeliverable

REVOKED_WAIT = timedelta(seconds=15)  # a token put right is noticed soon, and asking costs nothing


class Revoked(ChannelError):
    """Telegram does not know the bot's token (any more). Get the present one from @BotFather, set TELEGRAM_TOKEN and
    start again; nothing is lost meanwhile."""

    def __init__(self) -> None:
        super().__init__(" ".join((type(self).__doc__ or "").split()), retry_after=REVOKED_WAIT)


class Conflict(ChannelError):
    """Another program asks Telegram for the same bot's messages. End it, or give this box a bot of its own."""

    def __init__(self) -> None:
        super().__init__(" ".join((type(self).__doc__ or "").split()))


class Moved(ChannelError):
    """The chat has got another number."""

    def __init__(self, chat: int) -> None:
        super().__init__(f"The chat has become {chat}.")
        self.chat = chat


class Unreachable(ChannelError):
    """Telegram cannot be reached; whether the last message arrived is not known."""


class TakenOver(Undeliverable):
    """A manager has taken the dialogue over; what the assistant had still to say there is kept back."""

    def __init__(self) -> None:
        super().__init__(" ".join((type(self).__doc__ or "").split()))


class Refused(Undeliverable):
    """Telegram refuses this message; it will refuse it again."""


class BadPhoto(Refused):
    """Telegram cannot use the photo."""


class NoSuchPost(Refused):
    """The message that was to be edited is gone."""
