"""Takes the text out of a document that the owner brings: docx, pdf, md, txt.

A foreign file may be made to hurt its reader, so it is read in a process of its own, with little memory and time.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import resource
import signal
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

LARGEST = 10 << 20  # bytes of a document
UNPACKED = 60 << 20  # bytes that a .docx may become: an honest one is ten times its size
LONGEST = 200_000  # characters of a text: a hundred pages
PAGES = 300
SECONDS, MEMORY = 30, 1 << 30
NICE = 10

KINDS = ("docx", "pdf", "md", "txt")


class Unreadable(Exception):
    """A document that cannot be taken; `id` says why: kind, too_large, empty, encrypted, scanned, damaged, too_long."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id


async def text_of(name: str, contents: bytes) -> str:
    """The document's text as markdown. Raises `Unreadable`."""
    kind = name.rsplit(".", 1)[-1].lower()
    if kind not in KINDS:
        raise Unreadable("kind")
    if len(contents) > LARGEST:
        raise Unreadable("too_large")
    if kind in ("md", "txt"):
        return _checked(_decoded(contents))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "appliance.documents", kind,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, preexec_fn=_limited,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS + 5):
            out, _ = await process.communicate(contents)
        answer = json.loads(out) if process.returncode == 0 else {"fault": "damaged"}
    except (TimeoutError, ValueError) as error:
        raise Unreadable("damaged") from error
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()
    if fault := answer.get("fault"):
        raise Unreadable(str(fault))
    return _checked(str(answer["text"]))


def _checked(text: str) -> str:
    clean = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u2060\ufeff]", "", text.replace("\r\n", "\n"))
    clean = re.sub(r"\n{3,}", "\n\n", clean).strip()
    if not clean:
        raise Unreadable("empty")
    if len(clean) > LONGEST:
        raise Unreadable("too_long")
    return clean


def _decoded(contents: bytes) -> str:
    """UTF-8, with or without its mark, UTF-16 with it; else what Russian Windows writes."""
    if contents.startswith((b"\xff\xfe", b"\xfe\xff")):
        return contents.decode("utf-16", "replace")
    try:
        return contents.decode("utf-8-sig")
    except UnicodeDecodeError:
        return contents.decode("cp1251", "replace")


def _limited() -> None:
    """Between fork and exec: what is made to take all time and memory takes its own."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.nice(NICE)


def _docx(contents: bytes) -> str:
    """Paragraphs in their order, headings as markdown's, a table's row on one line."""
    import docx
    from docx.table import Table

    with zipfile.ZipFile(io.BytesIO(contents)) as packed:
        if sum(part.file_size for part in packed.infolist()) > UNPACKED:
            raise Unreadable("too_large")
    lines: list[str] = []
    for part in docx.Document(io.BytesIO(contents)).iter_inner_content():
        lines += _rows(part) if isinstance(part, Table) else [_paragraph(part)]
    return "\n\n".join(line for line in lines if line)


def _paragraph(part: Any) -> str:
    text, style = part.text.strip(), str(getattr(part.style, "name", "") or "")
    level = re.fullmatch(r"Heading (\d)", style)
    if style == "Title" or level:
        return f"{'#' * (1 if style == 'Title' else min(6, int(level[1]) if level else 1))} {text}" if text else ""
    return f"- {text}" if style.startswith("List") and text else text


def _rows(table: Any) -> Iterator[str]:
    for row in table.rows:
        cells = dict.fromkeys(cell.text.strip().replace("\n", " ") for cell in row.cells)  # merged cells come twice
        yield " | ".join(filter(None, cells))


def _pdf(contents: bytes) -> str:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(contents))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unreadable("encrypted")
    if len(reader.pages) > PAGES:
        raise Unreadable("too_long")
    pages = [_joined(page.extract_text()) for page in reader.pages]
    text = "\n\n".join(filter(None, pages))
    if len(text) < 20 * len(pages):  # pictures of pages hold no words
        raise Unreadable("scanned")
    return text


def _joined(page: str) -> str:
    """A page's lines as paragraphs: a line that ends a sentence, or is short, ends one."""
    paragraphs, open_ = [], ""
    for line in (line.strip() for line in page.splitlines()):
        if not line:
            paragraphs.append(open_)
            open_ = ""
            continue
        joined = f"{open_[:-1]}{line}" if open_.endswith("-") and line[:1].islower() else f"{open_} {line}"
        open_ = joined.strip()
        if line.endswith((".", "!", "?", ":", ";")) or len(line) < 40:
            paragraphs.append(open_)
            open_ = ""
    return "\n\n".join(filter(None, [*paragraphs, open_]))


def main(kind: str) -> None:
    answer: dict[str, str]
    try:
        contents = sys.stdin.buffer.read()
        answer = {"text": _docx(contents) if kind == "docx" else _pdf(contents)}
    except Unreadable as error:
        answer = {"fault": error.id}
    except Exception:  # noqa: BLE001 - readers of foreign formats stumble in their own ways
        answer = {"fault": "damaged"}
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(answer, ensure_ascii=True))


if __name__ == "__main__":
    main(sys.argv[1])
