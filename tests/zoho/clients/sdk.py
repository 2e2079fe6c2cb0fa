"""Zoho's own SDK at work, in an environment of its own: prints what it understood of each answer as a JSON object."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.api.logger import Logger
from zohocrmsdk.src.com.zoho.crm.api.coql import BodyWrapper as Query
from zohocrmsdk.src.com.zoho.crm.api.coql import CoqlOperations
from zohocrmsdk.src.com.zoho.crm.api.dc.data_center import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.fields import FieldsOperations, GetFieldsParam
from zohocrmsdk.src.com.zoho.crm.api.initializer import Initializer
from zohocrmsdk.src.com.zoho.crm.api.modules import MinifiedModule
from zohocrmsdk.src.com.zoho.crm.api.notes import BodyWrapper as Notes
from zohocrmsdk.src.com.zoho.crm.api.notes import Note, NotesOperations, ParentId
from zohocrmsdk.src.com.zoho.crm.api.parameter_map import ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.record import BodyWrapper, Field, Record, RecordOperations, SearchRecordsParam
from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig

URL, FOLDER = os.environ["ZOHO_URL"], Path(os.environ["FOLDER"])


def main() -> None:
    Initializer.initialize(
        environment=DataCenter.Environment(URL, f"{URL}/oauth/v2/token", URL),
        token=OAuthToken(
            client_id=os.environ["ZOHO_ID"], client_secret=os.environ["ZOHO_SECRET"],
            grant_token=os.environ["ZOHO_CODE"],
        ),
        store=FileStore(str(FOLDER / "tokens")),  # its own would be the working folder
        sdk_config=SDKConfig(),
        resource_path=str(FOLDER),
        logger=Logger.get_instance(level=Logger.Levels.ERROR, file_path=str(FOLDER / "log")),
    )  # fmt: skip
    leads = RecordOperations("Leads")
    seen: dict[str, Any] = {
        "create": _rows(leads.create_records(_body(Last_Name="Ivanov", Email="i@a.example"))),
        "without a name": _rows(leads.create_records(_body(First_Name="Ivan"))),
        "insert": _rows(leads.upsert_records(_upsert(Last_Name="Petrova", Request_ID="7"))),
        "update": _rows(leads.upsert_records(_upsert(Last_Name="Petrova", Request_ID="7", Company="A"))),
        "double": _rows(leads.create_records(_body(Last_Name="Petrova", Request_ID="7"))),
    }
    id = int(seen["insert"][0]["id"])
    seen["search"] = _found(leads)
    query = Query()
    query.set_select_query("select id, Last_Name from Leads where Request_ID = '7' limit 1")
    answer = CoqlOperations().get_records(query).get_object()
    seen["query"] = [one.get_key_value("Last_Name") for one in answer.get_data()]
    seen["note"] = _note(id)
    fields = ParameterMap()
    fields.add(GetFieldsParam.module, "Leads")
    seen["fields"] = len(FieldsOperations().get_fields(fields).get_object().get_fields())
    print(json.dumps(seen, default=str))


def _record(**values: str) -> Record:
    record = Record()
    standard = {"Last_Name": Field.Leads.last_name(), "First_Name": Field.Leads.first_name(),
                "Company": Field.Leads.company(), "Email": Field.Leads.email()}  # fmt: skip
    for name, value in values.items():
        if name in standard:
            record.add_field_value(standard[name], value)
        else:
            record.add_key_value(name, value)
    return record


def _body(**values: str) -> BodyWrapper:
    body = BodyWrapper()
    body.set_data([_record(**values)])
    return body


def _upsert(**values: str) -> BodyWrapper:
    body = _body(**values)
    body.set_duplicate_check_fields(["Request_ID"])
    return body


def _rows(response: Any) -> list[dict[str, Any]]:
    """Code, status, id and action of each row, as the SDK read them."""
    rows = []
    for one in response.get_object().get_data():
        details = one.get_details()
        action = one.get_action().get_value() if getattr(one, "get_action", None) and one.get_action() else ""
        rows.append(
            {
                "code": one.get_code().get_value(), "status": one.get_status().get_value(),
                "id": details.get("id", ""), "field": details.get("api_name", ""), "action": action,
                "duplicate": str((details.get("duplicate_record") and "yes") or ""), "kind": type(one).__name__,
            }
        )  # fmt: skip
    return rows


def _found(leads: RecordOperations) -> list[str]:
    params = ParameterMap()
    params.add(SearchRecordsParam.criteria, "(Email:equals:i@a.example)")
    params.add(SearchRecordsParam.fields, "id,Last_Name,Email")
    return [one.get_key_value("Last_Name") for one in leads.search_records(params).get_object().get_data()]


def _note(id: int) -> list[dict[str, Any]]:
    note, parent, module = Note(), ParentId(), MinifiedModule()
    module.set_api_name("Leads")
    parent.set_id(id)
    parent.set_module(module)
    note.set_note_title("A title")
    note.set_note_content("What was said")
    note.set_parent_id(parent)
    body = Notes()
    body.set_data([note])
    return _rows(NotesOperations().create_notes(body))


if __name__ == "__main__":
    main()
