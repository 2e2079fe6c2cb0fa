"""The CRM is set up in four steps, tested, mapped and watched at the desk, and from the command line."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from appliance.__main__ import main
from appliance.app.crm import adopt
from appliance.core.types import Role, Staff
from appliance.crm.base import CrmAway, CrmClosed, CrmError
from appliance.crm.mapping import CrmField, filled, problems
from appliance.crm.story import split
from appliance.crm.webhook import Webhook
from appliance.crm.words import reason, words
from appliance.desk import Desk, Forbidden
from appliance.desk.crm import CrmDesk, WrongMapping
from appliance.settings import load
from appliance.store.store import Store
from tests.zoho import ZohoServer
from tests.zoho.shop import Shop, enquiry, learned


@pytest.fixture
def desk(shop: Shop) -> CrmDesk:
    return CrmDesk(store=shop.store, opening=shop.opening, secrets=shop.secrets)


async def person(store: Store, role: Role = Role.ADMINISTRATOR) -> Staff:
    return await Desk(store=store).employ(None, name="Ольга", role=role, telegram_id=9)


async def set_up(desk: CrmDesk, zoho: ZohoServer, actor: Staff | None = None) -> None:
    grant = zoho.world.add_grant(code="1000.code")
    await desk.client(actor, accounts_url=zoho.url, client_id=grant.client_id, client_secret=grant.client_secret)
    await desk.grant(actor, "1000.code")
    await desk.prepare(actor)


async def test_four_steps_connect_zoho_and_the_next_lead_is_there(
    store: Store, shop: Shop, desk: CrmDesk, zoho: ZohoServer
) -> None:
    owner = await person(store)
    assert (await desk.status(owner)).done == ()
    await set_up(desk, zoho, owner)
    assert "Request_ID" in zoho.world.unique_fields()
    checks = await desk.go_live(owner)
    assert [check.name for check in checks if check.ok] == [
        "token", "organisation", "fields", "key", "mapping", "search", "query"
    ]  # fmt: skip
    assert (await desk.status(owner)).done == ("client", "grant", "fields", "live")
    await enquiry(store)
    await shop.work()
    assert len(zoho.world.records) == 1
    acts = await shop.count("SELECT string_agg(action, ' ' ORDER BY id) FROM audit WHERE action LIKE 'crm.%'")
    assert acts == "crm.client crm.grant crm.prepare crm.live"


async def test_each_wrong_step_says_what_to_do(desk: CrmDesk, zoho: ZohoServer) -> None:
    grant = zoho.world.add_grant(code="1000.code")
    await desk.client(None, accounts_url=zoho.url, client_id=grant.client_id, client_secret="wrong")
    with pytest.raises(CrmClosed, match="client id, the secret or the data centre"):
        await desk.grant(None, "1000.code")
    await desk.client(None, accounts_url=zoho.url, client_id=grant.client_id, client_secret=grant.client_secret)
    with pytest.raises(CrmClosed, match="one use and a few minutes"):
        await desk.grant(None, "1000.old")
    grant.scopes -= {"ZohoCRM.coql.READ"}
    await desk.grant(None, "1000.code")
    await desk.prepare(None)
    checks = await desk.go_live(None)
    assert not checks[-1].ok and checks[-1].name == "query"
    assert "/coql" in str(checks[-1].why["what"]) or "coql" in str(checks[-1].why["what"])
    assert not (await desk.status(None)).live
    await desk.client(None, accounts_url="http://127.0.0.1:9", client_id="x", client_secret="y")
    with pytest.raises(CrmAway):
        await desk.grant(None, "1000.code")


async def test_managers_see_and_retry_and_only_administrators_change(
    store: Store, desk: CrmDesk, zoho: ZohoServer
) -> None:
    manager = await person(store, Role.MANAGER)
    assert (await desk.tally(manager)).held == 0 and await desk.held(manager) == []
    assert await desk.retry_all(manager) == 0
    for forbidden in (desk.test(manager), desk.mapping(manager), desk.grant(manager, "1"), desk.go_live(manager)):
        with pytest.raises(Forbidden):
            await forbidden


async def test_a_mapping_that_zoho_cannot_take_is_refused_and_a_good_one_is_used(
    store: Store, shop: Shop, desk: CrmDesk, zoho: ZohoServer
) -> None:
    await set_up(desk, zoho)
    await desk.go_live(None)
    mapping, fields = await desk.mapping(None)
    assert fields["Last_Name"].required and mapping["Request_ID"] == "request_id"
    with pytest.raises(WrongMapping) as wrong:
        await desk.remap(None, {"Phone": "phone", "Nonsense": "need", "Created_Time": "created", "Website": "nobody"})
    assert set(wrong.value.wrong) == {
        ("Nonsense", "unknown"), ("Created_Time", "unwritable"), ("Last_Name", "required"), ("Website", "ours")
    }  # fmt: skip
    await desk.remap(None, {**mapping, "Mobile": "phone", "Website": "link", "Lead_Source": "=Telegram"})
    await enquiry(store)
    await shop.work()
    (record,) = zoho.world.records.values()
    assert record.data["Mobile"] == "+79031112233" and record.data["Lead_Source"] == "Telegram"
    assert record.data["Website"].startswith("https://desk.example/leads/")


async def test_the_report_counts_and_a_press_of_retry_goes_on(
    store: Store, shop: Shop, desk: CrmDesk, zoho: ZohoServer
) -> None:
    await set_up(desk, zoho)
    await desk.go_live(None)
    good = await enquiry(store)
    await shop.work()
    zoho.world.fields.append({**zoho.world.fields[0], "api_name": "Region"})
    bad = await enquiry(store, phone="+79031112299")
    await shop.work()
    tally = await desk.tally(None)
    assert (tally.sent, tally.queued, tally.held, tally.failed) == (1, 0, 1, 1)
    assert tally.reasons == (("required", 1),) and tally.requests == 4
    actor = await person(store, Role.MANAGER)
    states = await desk.states(actor, [good.id, bad.id])
    assert (states[good.id].state, states[bad.id].state) == ("sent", "held")
    assert "Region" in reason(states[bad.id].why, "ru")
    zoho.world.fields.pop()
    assert await desk.retry(actor, bad.id)
    await shop.work()
    assert (await desk.tally(None)).held == 0 and len(zoho.world.records) == 2
    assert await shop.count("SELECT max(run) FROM crm_leads") == 2


async def test_the_operator_sets_up_tests_and_retries_by_commands(
    database_url: str, store: Store, shop: Shop, zoho: ZohoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("APPLIANCE_HOME", str(tmp_path))
    grant = zoho.world.add_grant(code="1000.code")

    async def crm(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = await asyncio.to_thread(main, ["crm", *arguments, "--json"])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    code, said = await crm("setup", "--accounts-url", zoho.url, "--client-id", grant.client_id, "--client-secret",
                           grant.client_secret, "--code", "1000.code")  # fmt: skip
    assert code == 0 and said["ok"] and len(said["checks"]) == 7
    zoho.world.fields.append({**zoho.world.fields[0], "api_name": "Region"})
    lead = await enquiry(store)
    await shop.work()
    code, said = await crm("status")
    assert said["held"] == 1 and said["leads_held"][0]["lead"] == str(lead.id)
    assert "Region" in said["leads_held"][0]["why"]
    code, said = await crm("test")
    assert code == 1 and said["checks"][-1]["name"] == "mapping"
    zoho.world.fields.pop()
    assert (await crm("retry", str(lead.id)))[1] == {"resumed": 1}
    await shop.work()
    assert len(zoho.world.records) == 1


async def test_what_the_settings_say_is_taken_over_once(
    database_url: str, store: Store, shop: Shop, zoho: ZohoServer, tmp_path: Path
) -> None:
    grant = zoho.world.add_grant()
    env = {"APPLIANCE_HOME": str(tmp_path), "ZOHO_CLIENT_ID": grant.client_id, "ZOHO_CLIENT_SECRET":
           grant.client_secret, "ZOHO_REFRESH_TOKEN": grant.refresh, "ZOHO_ACCOUNTS_URL": zoho.url}  # fmt: skip
    await adopt(load(env), store)
    token = await shop.opening.tokens.current()
    await adopt(load(env), store)
    async with store.transaction() as tx:
        account = await tx.crm_account()
    assert account is not None and account.kind == "zoho" and account.token_number == token.number


class Receiver:
    """Another CRM: checks the signature as the Standard Webhooks specification says, and takes each id once."""

    def __init__(self, secret: bytes) -> None:
        self.secret, self.url = secret, ""
        self.taken: dict[str, dict[str, Any]] = {}
        self.answers: list[int] = []
        self.calls = 0

    async def __aenter__(self) -> Receiver:
        app = web.Application()
        app.router.add_post("/leads", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/leads"  # type: ignore[union-attr]
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.calls += 1
        body = await request.read()
        id, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        signed = hmac.new(self.secret, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
        if request.headers["webhook-signature"] != f"v1,{base64.b64encode(signed).decode()}":
            return web.Response(status=401)
        if self.answers and (status := self.answers.pop(0)) != 200:
            return web.Response(status=status)
        if id in self.taken:
            return web.Response(status=409)
        self.taken[id] = json.loads(body)
        return web.json_response({"id": f"R{len(self.taken)}"})


async def test_another_crm_gets_each_piece_of_news_once_and_signed(store: Store, shop: Shop, desk: CrmDesk) -> None:
    async with Receiver(b"open sesame") as receiver:
        checks = await desk.hook(None, url=receiver.url, secret="open sesame")
        assert [check.ok for check in checks] == [True] and receiver.taken.popitem()[1] == {"type": "ping"}
        receiver.answers = [502]
        lead = await enquiry(store, email="anna@example.com")
        await shop.work()
        await shop.hurry()
        await shop.work()
        await learned(store, lead, company="ООО Ромашка")
        await shop.work()
    first, second = receiver.taken.values()
    assert first["type"] == "lead.created" and first["lead"]["phone"] == "+79031112233"
    assert second["type"] == "lead.updated" and "ООО Ромашка" in second["note"]["text"]
    assert second["record"] == "R1" and await shop.held() == []


async def test_a_webhook_with_another_secret_does_not_go_live(desk: CrmDesk) -> None:
    async with Receiver(b"one") as receiver:
        checks = await desk.hook(None, url=receiver.url, secret="another")
    assert not checks[0].ok and "secret" in reason(checks[0].why, "en")
    assert not (await desk.status(None, "webhook")).live


async def test_a_push_repeated_by_a_webhook_has_the_same_id(store: Store, shop: Shop) -> None:
    async with Receiver(base64.b64decode("c2VjcmV0IG9mIDI0IGJ5dGVzICE=")) as receiver, httpx.AsyncClient() as http:
        hook = Webhook(url=receiver.url, secret="whsec_c2VjcmV0IG9mIDI0IGJ5dGVzICE=", http=http)
        lead = await enquiry(store)
        async with store.transaction() as tx:
            case, _ = await shop.stories.case(tx, lead, "webhook", again=False)
        await hook.push(case)
        await hook.push(case)
        assert receiver.calls == 2 and len(receiver.taken) == 1


def test_reasons_are_said_in_both_languages() -> None:
    assert words("ru").keys() == words("en").keys()
    assert reason({"id": "required", "field": "Company"}, "ru").startswith("Zoho требует поле Company")
    assert str(CrmError("busy", crm="Zoho")).startswith("Zoho asks for patience")


@pytest.mark.parametrize(
    ("name", "parts"),
    [("Анна", ("", "Анна")), ("Анна Петрова", ("Анна", "Петрова")), ("John Smith", ("John", "Smith")), ("", ("", "")),
     ("Петрова Анна Ивановна", ("Анна Ивановна", "Петрова"))],
)  # fmt: skip
def test_a_name_is_parted_as_a_crm_wants_it(name: str, parts: tuple[str, str]) -> None:
    assert split(name) == parts


def test_a_value_is_cut_to_its_field_and_an_unknown_one_left_out() -> None:
    mapping = {"Last_Name": "last_name", "Company": "company", "Lead_Source": "=Chat"}
    record = filled(mapping, {"last_name": "я" * 200, "company": ""}, {"Last_Name": 80})
    assert len(record["Last_Name"]) == 80 and record["Lead_Source"] == "Chat" and "Company" not in record
    text = CrmField(name="Last_Name", label="Last Name", type="text", required=True)
    assert problems({}, {"Last_Name": text}) == [("Last_Name", "required")]


async def test_the_fields_of_a_webhook_are_the_receivers_own(
    store: Store, shop: Shop, desk: CrmDesk, tmp_path: Path
) -> None:
    owner, heard = await person(store), list[dict[str, Any]]()

    async def take(request: web.Request) -> web.Response:
        heard.append(await request.json())
        return web.json_response({"id": "77"})

    app = web.Application()
    app.router.add_post("/leads", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        await desk.hook(owner, url=f"http://127.0.0.1:{port}/leads", secret="s")
        mapping, fields = await desk.mapping(owner, "webhook")
        assert mapping["phone"] == "phone" and fields == {}, "without a choice all of ours go under our names"
        with pytest.raises(WrongMapping):
            await desk.remap(owner, {" ": "phone"}, "webhook")
        await desk.remap(owner, {"tel": "phone", "who": "name", "origin": "=Chat"}, "webhook")
        await enquiry(store, name="Анна Петрова", phone="+79031112233")
        await shop.work()
        assert heard[-1]["lead"] == {"tel": "+79031112233", "who": "Анна Петрова", "origin": "Chat"}
        shown = json.loads(await desk.example(owner, {"tel": "phone"}, "ru"))
        assert shown.keys() == heard[-1].keys() and shown["lead"] == {"tel": "+79030000000"}
    finally:
        await runner.cleanup()
