"""Has Zoho's own SDK, which the product does not use, talk to the tests' Zoho, and looks at what it understood."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.zoho import FOLDER, Spec, World, ZohoServer

SDK = "zohocrmsdk8-0==7.0.0"
CLIENT = Path(__file__).with_name("clients") / "sdk.py"


async def main() -> int:
    if not FOLDER.is_dir():
        print(f"ZOHO'S OPENAPI FILES ARE NOT AT {FOLDER}: REQUESTS ARE NOT HELD AGAINST THEM")
    with tempfile.TemporaryDirectory(prefix="certify-") as folder:
        python = _environment(Path(folder))
        world = World()
        world.add_unique("Request_ID", "Request ID")
        grant = world.add_grant(code="1000.code")
        async with ZohoServer(spec=Spec() if FOLDER.is_dir() else None, world=world) as zoho:
            env = {
                **os.environ, "ZOHO_URL": zoho.url, "ZOHO_ID": grant.client_id, "ZOHO_SECRET": grant.client_secret,
                "ZOHO_CODE": "1000.code", "FOLDER": folder,
            }  # fmt: skip
            process = await asyncio.create_subprocess_exec(
                python, str(CLIENT), env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
            out, err = await process.communicate()
            if process.returncode:
                print(err.decode(errors="replace")[-3000:])
                print(*(f"{one['method']} {one['path']} {one['status']}" for one in zoho.log), *zoho.wrong, sep="\n")
                return 1
            failures = _judge(json.loads(out.decode().splitlines()[-1]), world)
    print(f"{SDK}: {'agrees' if not failures else '; '.join(failures)}")
    return bool(failures)


def _environment(folder: Path) -> str:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python = str(folder / "venv" / "bin" / "python")
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([str(uv), "pip", "install", "-q", "--python", python, SDK], check=True)
    return python


def _judge(seen: dict[str, Any], world: World) -> list[str]:
    """What the SDK read otherwise than it was meant."""
    wanted = {
        "create": {"code": "SUCCESS", "status": "success"},
        "without a name": {"code": "MANDATORY_NOT_FOUND", "status": "error", "field": "Last_Name"},
        "insert": {"code": "SUCCESS", "action": "insert"},
        "update": {"code": "SUCCESS", "action": "update"},
        "double": {"code": "DUPLICATE_DATA", "field": "Request_ID"},
        "note": {"code": "SUCCESS"},
    }
    wrong = [
        f"{step}: {name} is {seen[step][0].get(name)!r}, not {value!r}"
        for step, values in wanted.items()
        for name, value in values.items()
        if seen[step][0].get(name) != value
    ]
    if seen["insert"][0]["id"] != seen["update"][0]["id"]:
        wrong.append("insert and update are of different records")
    if seen["search"] != ["Ivanov"] or seen["query"] != ["Petrova"]:
        wrong.append(f"search found {seen['search']}, the query {seen['query']}")
    if seen["fields"] != len(world.fields):
        wrong.append(f"{seen['fields']} fields of {len(world.fields)}")
    return wrong


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
