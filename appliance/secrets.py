"""Secrets at rest: sealed with a key that lies beside the database, never in it, and never in a backup."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

FILE = "secret.key"  # in the data folder, 0600; backups leave it out


class SecretLost(Exception):
    """The key that sealed this secret is not here. Put `secret.key` back into the data folder, or enter it anew."""


class Secrets:
    """Seals and opens short texts: AES-128-CBC with HMAC-SHA256 (Fernet, https://github.com/fernet/spec)."""

    def __init__(self, key: str) -> None:
        """`key`: 32 random bytes as URL-safe base64. Raises `ValueError` for another."""
        self._fernet = Fernet(key)

    @classmethod
    def at(cls, home: Path, given: str = "") -> Secrets:
        """With the key `given`, else the one in the data folder, which is made when it is first needed."""
        return cls(given or _from_file(home / FILE))

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode() if text else ""

    def open(self, sealed: str) -> str:
        """Raises `SecretLost`."""
        try:
            return self._fernet.decrypt(sealed).decode() if sealed else ""
        except InvalidToken as error:
            raise SecretLost(SecretLost.__doc__) from error


def _from_file(file: Path) -> str:
    """Several processes may come here first at once: the file appears whole, and only one of theirs stays."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f"{file.name}.{os.getpid()}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(Fernet.generate_key())
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(aside, file)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return file.read_text(encoding="ascii").strip()
