"""Which of our fields goes into which of the CRM's: editable, and checked against what the CRM says of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OURS = (
    "request_id", "name", "first_name", "last_name", "company", "phone", "email", "need", "summary", "products",
    "quotes", "channel", "telegram", "lang", "source", "status", "consent", "link", "created",
)  # fmt: skip
FIXED = "="  # what begins with it is written as it stands: "=Chat"
KEY = "request_id"  # the field of ours that must go into one that holds no value twice
CONTACTS = ("phone", "email")  # by which a person is recognised
ZOHO: Mapping[str, str] = {
    "Last_Name": "last_name",
    "First_Name": "first_name",
    "Company": "company",
    "Phone": "phone",
    "Email": "email",
    "Description": "summary",
    "Lead_Source": "=Chat",  # in Zoho's own list of sources
}
# Zoho's standard lengths (zoho.com/crm/developer/docs/api/v8), until the set-up has read those of the organisation.
LENGTHS = {"Last_Name": 80, "First_Name": 40, "Company": 100, "Email": 100, "Phone": 30, "Mobile": 30}
LONGEST = {"textarea": 32000, "text": 255}
CANNOT = {"formula", "autonumber", "lookup", "ownerlookup", "subform", "fileupload", "imageupload", "profileimage"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmField:
    """A field of the CRM. `length` in characters, 0 where it has none; `unique`: no value twice."""

    name: str
    label: str
    type: str
    length: int = 0
    required: bool = False
    unique: bool = False
    writable: bool = True


def read_field(raw: Mapping[str, Any]) -> CrmField:
    """A field as Zoho's metadata tells of it."""
    unique = raw.get("unique")
    kind = str(raw.get("data_type") or "")
    return CrmField(
        name=str(raw["api_name"]),
        label=str(raw.get("field_label") or raw.get("display_label") or raw["api_name"]),
        type=kind,
        length=int(raw.get("length") or 0),
        required=bool(raw.get("system_mandatory")),
        unique=bool(unique) and unique != {},
        writable=not raw.get("read_only") and not raw.get("field_read_only") and kind not in CANNOT,
    )


def filled(mapping: Mapping[str, str], values: Mapping[str, str], lengths: Mapping[str, int]) -> dict[str, str]:
    """The CRM's fields with our values, cut to their lengths; what we do not know is left out."""
    out = {}
    for field, ours in mapping.items():
        text = ours.removeprefix(FIXED) if ours.startswith(FIXED) else values.get(ours, "")
        most = lengths.get(field) or LENGTHS.get(field) or LONGEST["textarea"]
        if text:
            out[field] = text if len(text) <= most else text[: most - 1] + "…"
    return out


def problems(mapping: Mapping[str, str], fields: Mapping[str, CrmField]) -> list[tuple[str, str]]:
    """(the CRM's field, what is wrong): unknown, unwritable, required, ours. Empty: the mapping holds."""
    wrong = [(name, "unknown") for name in mapping if fields and name not in fields]
    wrong += [(name, "unwritable") for name in mapping if name in fields and not fields[name].writable]
    wrong += [(name, "required") for name, field in fields.items() if field.required and name not in mapping]
    wrong += [(name, "ours") for name, ours in mapping.items() if not ours.startswith(FIXED) and ours not in OURS]
    return wrong


def only(mapping: Mapping[str, str], ours: tuple[str, ...]) -> list[str]:
    """The CRM's fields that these of ours go into."""
    return [field for field, mine in mapping.items() if mine in ours]
