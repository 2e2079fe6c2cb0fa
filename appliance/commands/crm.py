"""`appliance crm setup|test|status|retry`: the CRM, for the operator at the box."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from getpass import getpass
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from appliance.commands.output import json_option, progress, say, say_json
from appliance.errors import Refused
from appliance.settings import Settings

if TYPE_CHECKING:
    from appliance.desk.crm import Check, CrmDesk

T = TypeVar("T")


def add_to(kinds: Any) -> None:
    crm = kinds.add_parser("crm", help="the CRM that leads are passed to: Zoho, or any other by a signed webhook")
    ways = crm.add_subparsers(required=True, metavar="WHAT")
    setup = ways.add_parser("setup", help="connect Zoho CRM in four steps; what is not given is asked for")
    setup.add_argument("--centre", help="where your Zoho is: com, eu, in, com.au, jp, sa, ca, com.cn, uk")
    setup.add_argument("--accounts-url", default="", help="another accounts server than the centre's")
    setup.add_argument("--api-url", default="", help="another API server than the accounts server names")
    setup.add_argument("--version", default="v8", choices=[f"v{number}" for number in range(3, 9)])
    setup.add_argument("--client-id", default="")
    setup.add_argument("--client-secret", default="")
    setup.add_argument("--code", default="", help="the code that Zoho's API console generated, minutes old at most")
    setup.add_argument("--webhook", default="", metavar="URL", help="connect another CRM by a webhook instead")
    setup.add_argument("--secret", default="", help="the webhook's secret")
    test = ways.add_parser("test", help="try all that pushes need; nothing is written into the CRM")
    status = ways.add_parser("status", help="what is sent, queued, held and why")
    status.add_argument("--days", type=int, default=7)
    retry = ways.add_parser("retry", help="push what is held again, now")
    retry.add_argument("lead", nargs="?", type=UUID, help="only this lead")
    for parser, run in ((setup, _setup), (test, _test), (status, _status), (retry, _retry)):
        json_option(parser)
        parser.set_defaults(run=run)


def _setup(asked: argparse.Namespace, settings: Settings) -> int:
    if asked.webhook:
        return _checked(asked, _at_desk(settings, lambda desk: desk.hook(None, url=asked.webhook, secret=asked.secret)))
    from appliance.desk.crm import CENTRES, SCOPES

    centre = asked.centre or ("" if asked.accounts_url else _ask("1. Data centre (com, eu, in, com.au, jp …)", "com"))
    url = asked.accounts_url or CENTRES.get(centre, "")
    if not url:
        raise Refused(f"There is no data centre {centre!r}; there are {', '.join(CENTRES)}.")
    console = url.replace("//accounts.", "//api-console.")
    progress(f"   At {console} add a Self Client; it shows the client id and secret.")
    client_id = asked.client_id or _ask("   Client ID")
    client_secret = asked.client_secret or _ask("   Client Secret", ask=getpass)
    progress(f"2. There, on “Generate Code”, give these scopes and ten minutes:\n   {','.join(SCOPES)}")
    code = asked.code or _ask("   Code")

    async def steps(desk: CrmDesk) -> list[Check]:
        await desk.client(
            None, accounts_url=url, api_url=asked.api_url, client_id=client_id, client_secret=client_secret,
            version=asked.version,
        )  # fmt: skip
        await desk.grant(None, code)
        progress("   Zoho gave its permission.")
        fields = await desk.prepare(None)
        progress(f"3. Zoho has {len(fields)} fields; Request_ID, which holds no value twice, is one of them.")
        progress("4. The connection is tested …")
        return await desk.go_live(None)

    return _checked(asked, _at_desk(settings, steps))


def _test(asked: argparse.Namespace, settings: Settings) -> int:
    return _checked(asked, _at_desk(settings, lambda desk: desk.test(None)))


def _checked(asked: argparse.Namespace, checks: list[Check]) -> int:
    from appliance.desk.crm import reason

    ok = all(check.ok for check in checks)
    if asked.json:
        rows = [{"name": c.name, "ok": c.ok, "found": c.found, "why": reason(c.why, "en")} for c in checks]
        say_json({"ok": ok, "checks": rows})
        return int(not ok)
    for check in checks:
        say(f"{'ok' if check.ok else '!!'}  {check.name:13} {check.found if check.ok else reason(check.why, 'en')}")
    say("All is well: leads go there." if ok else "Mend this, then try again: appliance crm test")
    return int(not ok)


def _status(asked: argparse.Namespace, settings: Settings) -> int:
    from appliance.desk.crm import reason

    async def seen(desk: CrmDesk) -> tuple[Any, Any, Any]:
        return await desk.status(None), await desk.tally(None, days=asked.days), await desk.held(None)

    status, tally, held = _at_desk(settings, seen)
    lag = round(tally.lag.total_seconds())
    if asked.json:
        rows = [{"lead": str(h.lead), "run": h.run, "why": reason(h.why, "en")} for h in held]
        say_json(
            {"kind": status.kind, "live": status.live, "trouble": reason(status.trouble or {}, "en"),
             "sent": tally.sent, "queued": tally.queued, "held": tally.held, "lag_seconds": lag,
             "attempts": tally.attempts, "failed": tally.failed, "requests": tally.requests, "leads_held": rows}
        )  # fmt: skip
        return 0
    say(f"{status.kind}: {'live' if status.live else 'not live; appliance crm setup'}")
    if status.trouble:
        say(reason(status.trouble, "en"))
    say(f"{asked.days} days: {tally.sent} sent, {tally.failed} of {tally.attempts} attempts failed, "
        f"{tally.requests} requests. Now: {tally.queued} queued ({lag} s behind), {tally.held} held.")  # fmt: skip
    for one in held:
        say(f"{one.lead}  run {one.run}  {reason(one.why, 'en')}")
    return 0


def _retry(asked: argparse.Namespace, settings: Settings) -> int:
    async def again(desk: CrmDesk) -> int:
        return int(await desk.retry(None, asked.lead)) if asked.lead else await desk.retry_all(None)

    count = _at_desk(settings, again)
    say_json({"resumed": count}) if asked.json else say(f"{count} leads go again now.")
    return 0


def _ask(what: str, usual: str = "", *, ask: Callable[[str], str] = input) -> str:
    """Asks the person at the terminal. Raises `Refused` where there is none."""
    try:
        given = ask(f"{what}{f' [{usual}]' if usual else ''}: ").strip() or usual
    except EOFError:
        given = usual
    if not given:
        raise Refused(f"{what.strip()} is missing; see appliance crm setup --help.")
    return given


def _at_desk(settings: Settings, ask: Callable[[CrmDesk], Awaitable[T]]) -> T:
    from appliance.app.crm import crm_desk
    from appliance.app.parts import database
    from appliance.store.store import Store

    async def asked(url: str) -> T:
        store = Store(url, pool=2)
        desk = crm_desk(settings, store)
        try:
            return await ask(desk)
        finally:
            await desk.close()
            await store.close()

    with database(settings) as url:
        return asyncio.run(asked(url))
