"""Finds out what a file really is, whatever its name says, and refuses politely what is no price list."""

from __future__ import annotations

import gzip
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from enum import Enum
from io import BytesIO
from pathlib import Path

from catalog.product import CatalogError
from catalog.workbook.messages import message

MOST_BYTES = 600 * 2**20  # unpacked; a million rows of twenty columns are about 400 MB of XML
_CHUNK = 2**20


class Kind(Enum):
    """The forms a price list comes in."""

    XLSX = "xlsx"
    XLSB = "xlsb"
    ODS = "ods"
    XLS = "xls"
    TEXT = "text"
    HTML = "html"
    XML = "xml"
    EXCHANGE = "1c"  # a zip with the CommerceML of 1C


_STRANGERS = (
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"BM", "picture"),
    (b"II*\x00", "picture"),
    (b"MM\x00*", "picture"),
    (b"RIFF", "picture"),
    (b"%PDF", "pdf"),
    (b"Rar!", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ", "archive"),
    (b"MZ", "archive"),
    (b"\x7fELF", "archive"),
    (b"{\\rtf", "document"),
)
_EXCHANGE = re.compile(r"(?:^|/)(?:import|offers)[^/]*\.xml$")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BARE_BIFF = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x08\x00", b"\x09\x08\x10\x00")


def load(path: Path, lang: str) -> tuple[bytes, Kind]:
    """The bytes of the file (of what is inside, for .gz) and what they are; raises CatalogError for anything else."""
    if not path.is_file():
        raise CatalogError(message("missing_file", lang, file=path.name))
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        data = _gunzipped(data, path.name, lang)
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise CatalogError(message("empty_file", lang))
    return data, _kind(data, path.name, lang)


def _kind(data: bytes, name: str, lang: str) -> Kind:
    if data.startswith(b"PK"):
        return _zip_kind(data, name, lang)
    if data.startswith(_OLE):
        return _ole_kind(data, name, lang)
    if data.startswith(_BARE_BIFF):
        return Kind.XLS
    for magic, stranger in _STRANGERS:
        if data.startswith(magic) and not (len(magic) == 2 and _is_text(data)):
            raise _not_a_table(stranger, name, lang)
    if not _is_text(data):
        raise _not_a_table("binary", name, lang)
    head = data[:4096].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").replace(b"\x00", b"").lower()
    if (
        head.startswith((b"<html", b"<!doctype html", b"<table", b"<head", b"<body", b"<style", b"<meta"))
        or b"<html" in head[:1000]
    ):
        return Kind.HTML
    return Kind.XML if head.startswith((b"<?xml", b"<yml_catalog", b"<workbook")) else Kind.TEXT


def _is_text(data: bytes) -> bool:
    sample = data[:65_536]
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if b"\x00" in sample:  # UTF-16 without its mark: every other byte of Latin digits and separators is zero
        return sample[:2000].count(0) > len(sample[:2000]) // 8 and not sample[:2000].count(b"\x00\x00")
    strange = sum(sample.count(bytes((code,))) for code in range(32) if code not in (9, 10, 11, 12, 13, 26))
    return strange * 50 < len(sample)


def _zip_kind(data: bytes, name: str, lang: str) -> Kind:
    try:
        with zipfile.ZipFile(BytesIO(data)) as book:
            names = set(book.namelist())
            encrypted = any(info.flag_bits & 1 for info in book.infolist())
            mimetype = book.read("mimetype") if "mimetype" in names and not encrypted else b""
            manifest = b"META-INF/manifest.xml"
            locked = mimetype and manifest.decode() in names and b"encryption-data" in book.read(manifest.decode())
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise damaged(name, lang, error) from error
    if encrypted or locked:
        raise CatalogError(message("encrypted", lang, file=name))
    lower = {entry.lower().replace("\\", "/") for entry in names}
    if mimetype.startswith(b"application/vnd.oasis.opendocument.spreadsheet") or (
        not mimetype and "content.xml" in lower
    ):
        kind = Kind.ODS
    elif "xl/workbook.bin" in lower:
        kind = Kind.XLSB
    elif any(entry.startswith("xl/") for entry in lower):
        kind = Kind.XLSX
    elif any(_EXCHANGE.search(entry) for entry in lower):
        kind = Kind.EXCHANGE
    else:
        office = mimetype or any(entry.startswith(("word/", "ppt/")) for entry in lower)
        raise _not_a_table("document" if office else "archive", name, lang)
    _refuse_bomb(data, name, lang)
    return kind


def _ole_kind(data: bytes, name: str, lang: str) -> Kind:
    folded = data.lower()  # the names of streams are the same in capitals

    def holds(stream: str) -> bool:
        return stream.lower().encode("utf-16-le") + b"\x00\x00" in folded

    if holds("EncryptedPackage"):
        raise CatalogError(message("encrypted", lang, file=name))
    if holds("Workbook") or holds("Book"):
        return Kind.XLS
    if not holds("Root Entry"):
        raise damaged(name, lang, EOFError("no directory"))
    raise _not_a_table("document" if holds("WordDocument") or holds("PowerPoint Document") else "binary", name, lang)


def _refuse_bomb(data: bytes, name: str, lang: str) -> None:
    """Unpacks the parts for real, since a bomb lies about its size, and stops at the limit."""
    total = 0
    with zipfile.ZipFile(BytesIO(data)) as book:
        infos = [info for info in book.infolist() if not _is_picture(info.filename.lower())]
        if sum(info.file_size for info in infos) > MOST_BYTES:
            raise CatalogError(message("too_big", lang, file=name, limit=MOST_BYTES >> 20))
        for info in infos:
            try:
                for chunk in unpacked(data, info):
                    total += len(chunk)
                    if total > MOST_BYTES:
                        raise CatalogError(message("too_big", lang, file=name, limit=MOST_BYTES >> 20))
            except (zlib.error, ValueError, struct.error) as error:
                raise damaged(name, lang, error) from error


def _is_picture(name: str) -> bool:
    return "/media/" in name or name.endswith((".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"))


def unpacked(data: bytes, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of one part of a zip in chunks, by its packed data alone, whatever sizes its header declares."""
    names, extra = struct.unpack_from("<HH", data, info.header_offset + 26)
    start = info.header_offset + 30 + names + extra
    packed = memoryview(data)[start : start + info.compress_size]
    if info.compress_type == zipfile.ZIP_STORED:
        yield bytes(packed)
        return
    if info.compress_type != zipfile.ZIP_DEFLATED:
        raise ValueError(f"compression {info.compress_type}")
    inflate = zlib.decompressobj(-15)
    waiting: bytes | memoryview = packed
    while chunk := inflate.decompress(waiting, _CHUNK):
        yield chunk
        waiting = inflate.unconsumed_tail
    if not inflate.eof and info.compress_size:
        raise ValueError(f"{info.filename} is cut short")


def _gunzipped(data: bytes, name: str, lang: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as packed:
            plain = packed.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(name, lang, error) from error
    if len(plain) > MOST_BYTES:
        raise CatalogError(message("too_big", lang, file=name, limit=MOST_BYTES >> 20))
    return plain


def damaged(name: str, lang: str, error: BaseException) -> CatalogError:
    """The refusal of a file that a reader stumbled over."""
    return CatalogError(message("damaged", lang, file=name, why=f"{type(error).__name__}: {str(error)[:120]}"))


def _not_a_table(kind: str, name: str, lang: str) -> CatalogError:
    return CatalogError(message("not_a_table", lang, file=name, kind=message(f"kind_{kind}", lang)))
