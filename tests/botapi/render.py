"""A chat as a page, much as the messenger shows it: for people who judge what customers see."""

from __future__ import annotations

import base64
import html
from typing import Any

from tests.botapi.customer import Customer, html_of

STYLE = """
body{margin:0;background:#dfe6d8;font:15px/1.35 "Segoe UI",Roboto,Inter,sans-serif;width:420px}
h1{font-size:14px;background:#527da3;color:#fff;margin:0;padding:12px 14px}
.row{display:flex;padding:4px 10px}.me{justify-content:flex-end}
.box{max-width:330px;min-width:110px}.b{background:#fff;border-radius:12px;padding:6px 10px 7px;overflow:hidden;
white-space:pre-wrap;overflow-wrap:anywhere;box-shadow:0 1px 1px #0002}.me .b{background:#e1fec6}
img{display:block;width:calc(100% + 20px);margin:-6px -10px 6px;max-height:300px;object-fit:cover}
.k{display:flex;gap:4px;margin-top:4px}.k span{flex:1;background:#6f8a64cc;color:#fff;border-radius:8px;padding:7px 4px;
text-align:center;font-size:14px}
.keys{background:#eef1f4;padding:6px}.keys span{background:#fff;color:#111;border:1px solid #ccd}
code{font:13px ui-monospace,monospace;color:#3a6d99}
"""


def page(customer: Customer, title: str) -> str:
    """The chat with its edits applied, photos inside."""
    rows = [_message(customer, message) for _, message in sorted(customer.chat.messages.items())]
    if customer.chat.keyboard:
        rows.append('<div class="keys">' + "".join(map(_keys, customer.chat.keyboard["keyboard"])) + "</div>")
    head = f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title><style>{STYLE}</style>"
    return f"{head}<h1>{html.escape(title)}</h1>{''.join(rows)}"


def _message(customer: Customer, message: dict[str, Any]) -> str:
    me = "" if message["from"]["is_bot"] else " me"
    photo = ""
    if sizes := message.get("photo"):
        data = customer.api.world.files[sizes[-1]["file_id"]].data
        photo = f'<img src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'
    kinds = ("voice", "sticker", "document", "contact", "location")
    what = next((f"[{kind}]" for kind in kinds if kind in message), "")
    words = html_of(message) or what
    keyboard = message.get("reply_markup", {}).get("inline_keyboard", ())
    keys = "".join(map(_keys, keyboard))
    return f'<div class="row{me}"><div class="box"><div class="b">{photo}{words}</div>{keys}</div></div>'


def _keys(row: list[dict[str, str]]) -> str:
    return '<div class="k">' + "".join(f"<span>{html.escape(button['text'])}</span>" for button in row) + "</div>"
