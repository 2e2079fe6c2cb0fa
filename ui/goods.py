"""What the catalogue's pages show of goods: cards as customers see them, the drop zone, the columns, the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nicegui import ui

from ui.i18n import known

if TYPE_CHECKING:
    from ui.site import Here

STATIC = Path(__file__).with_name("static")
HEAD = '<link rel="stylesheet" href="/static/catalogue.css">'
LISTS = ".xlsx,.xls,.xlsm,.xlsb,.ods,.csv,.tsv,.txt,.xml,.html,.htm,.gz"


class Drop(ui.element, component=STATIC / "upload.js"):
    """Where a file is dropped or chosen; it goes by PUT to `to`/<a fresh id>, then `on_sent({"id", "answer"})`."""

    def __init__(
        self, here: Here, *, to: str, accept: str, limit: int, on_sent: Callable[[Mapping[str, str]], Any], drop: str,
        choose: str, kind: str = "primary",
    ) -> None:  # fmt: skip
        super().__init__()
        self.props["kind"] = kind
        say = here.say
        self.props["to"], self.props["accept"], self.props["limit"] = to, accept, limit
        self.props["words"] = {
            "choose": choose, "drop": drop, "sending": say("catalogue.sending"), "stop": say("frame.cancel"),
            "too_large": say("catalogue.too_large", limit=here.write.size(limit)), "failed": say("catalogue.cut_off"),
        }  # fmt: skip
        self.on("sent", here.guard(lambda event: on_sent(event.args)))


class Columns(ui.element, component=STATIC / "mapping.js"):
    """The columns of one sheet, in one element; `on_change(letter, field)`."""

    def __init__(self, here: Here, on_change: Callable[[str, str], Any], fields: Sequence[str]) -> None:
        super().__init__()
        say = here.say
        self._here = here
        self.props["fields"] = [
            {"value": name, "text": say(f"catalogue_upload.field_{name or 'none'}")} for name in fields
        ]
        self.props["words"] = {
            name: say(f"catalogue_upload.columns_{name}") for name in ("caption", "column", "examples", "field", "sure")
        }
        self.props["columns"] = []
        self.on("change", here.guard(lambda event: on_change(str(event.args["column"]), str(event.args["field"]))))

    def show(self, columns: Sequence[Mapping[str, Any]], changed: Mapping[str, str]) -> None:
        self.props["columns"] = [self._column(column, changed) for column in columns]
        self.update()

    def _column(self, column: Mapping[str, Any], changed: Mapping[str, str]) -> dict[str, Any]:
        sure = float(column["confidence"])
        tone = "" if sure >= 0.8 or not column["field"] else "c-warn" if sure >= 0.5 else "c-bad"
        return {
            "column": column["column"], "label": column["label"], "examples": list(column["examples"]),
            "field": changed.get(column["column"], column["field"]), "changed": column["column"] in changed,
            "sure": self._here.write.percent(sure, 0), "tone": tone,
        }  # fmt: skip


def cards(here: Here, products: Sequence[Mapping[str, Any]], version: str = "") -> ui.html:
    """Products as a customer's cards, in one element."""
    pictured = any(_picture(product, version) for product in products)
    items = "".join(f"<li>{_card(here, product, version, pictured)}</li>" for product in products)
    return ui.html(items, sanitize=False, tag="ul").classes("c-goods")


def _card(here: Here, product: Mapping[str, Any], version: str, pictured: bool) -> str:
    none = '<span class="c-good-none"><i class="material-icons" aria-hidden="true">image</i></span>'
    facts = [str(product["sku"]), product["brand"], *(f"{name}: {text}" for name, text in product["attributes"][:3])]
    return (
        f'<div class="c-good-card">{_picture(product, version) or (none if pictured else "")}'
        f'<span class="c-good-name">{escape(str(product["name"]))}</span>'
        f'<span class="c-good-facts">{escape(" · ".join(str(fact) for fact in facts if fact))}</span>'
        f'<span class="c-good-price">{escape(price(here, product["price"], product["currency"]))}</span></div>'
    )


def _picture(product: Mapping[str, Any], version: str) -> str:
    path = photo_path(str(product.get("photo") or ""), version)
    return f'<img src="{escape(path)}" alt="" loading="lazy">' if path else ""


def photo_path(photo: str, version: str) -> str:
    """Where the console itself serves a product's photo; empty for none, and for one that lies on another site."""
    if not version or not photo.startswith("photos/"):
        return ""
    return f"/catalogue/photo/{quote(version, safe='')}/{quote(photo.removeprefix('photos/'), safe='')}"


def price(here: Here, amount: str | None, currency: str) -> str:
    if amount is None:
        return here.say("catalogue_upload.on_request")
    try:
        return here.write.money(Decimal(amount), currency or "RUB")
    except ValueError:
        return f"{amount} {currency}"


def verdict(here: Here, plain: Mapping[str, Any]) -> ui.html:
    """The verdict in one sentence, and its reasons with the goods they are about."""
    kind = str(plain.get("verdict", "refuse"))
    reasons = "".join(
        f"<li>{escape(_in(here, finding['message']))}"
        + (f"<br><code>{escape(', '.join(map(str, finding['examples'][:6])))}</code>" if finding["examples"] else "")
        + "</li>"
        for finding in plain.get("findings", ())
    )
    icon = {"pass": "check_circle", "warn": "error_outline"}.get(kind, "block")
    return ui.html(
        f'<i class="material-icons" aria-hidden="true">{icon}</i><div><p class="c-h3">'
        f"{escape(here.say(f'catalogue_upload.says_{kind}'))}</p>{f'<ul>{reasons}</ul>' if reasons else ''}</div>",
        sanitize=False,
    ).classes(f"c-card c-verdict v-{kind}")


def _in(here: Here, message: Mapping[str, str]) -> str:
    return str(message.get(here.lang) or message.get("en", ""))


def phase(here: Here, name: str) -> str:
    """What a build is at, in words."""
    return here.say(f"catalogue.phase_{name}") if known(f"catalogue.phase_{name}") else here.say("catalogue.phase_work")
