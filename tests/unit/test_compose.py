"""The files that start the appliance elsewhere agree with the program: its commands, ports, variables and defaults."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml  # type: ignore[import-untyped]
from pydantic import SecretStr

from appliance import commands
from appliance.settings import Settings, load, variable
from catalog.shelf import Shelf

CLONE = Path(__file__).parents[2]
COMPOSE = CLONE / "compose"
SCHEMA = json.loads((CLONE / "tests" / "schemas" / "compose-spec.json").read_text())
FILES = ("compose.cpu.yaml", "compose.gpu.yaml", "compose.scale.yaml")
WHOLE = ("cpu", "gpu", "scale")  # what an operator starts: the GPU file is laid over the CPU file
KNOWN = {variable(field) for field in Settings.model_fields}
COMPOSE_OWN = {"POSTGRES_PASSWORD", "LLM_HUB"}  # for the files themselves, not for the program
PORTS = {
    role: Settings.model_fields[f"{role}_port"].default for role in ("chat", "console", "engine")
}  # what each role listens on


def merged(below: Any, above: Any) -> Any:
    """Two compose files laid over each other, as far as ours use it: mappings join, the rest is replaced."""
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **{key: merged(below.get(key), value) for key, value in above.items()}}
    return above


def whole(kind: str) -> dict[str, Any]:
    if kind == "gpu":
        return dict(merged(whole("cpu"), read("compose.gpu.yaml")))
    return read(f"compose.{kind}.yaml")


def read(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((COMPOSE / name).read_text(encoding="utf-8")))


def ours(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The services that run the appliance's own image."""
    for name, service in whole(kind)["services"].items():
        if service.get("image", "").startswith("counterman"):
            yield name, service


def program() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="appliance", exit_on_error=False)
    kinds = parser.add_subparsers(dest="command", required=True)
    for module in commands.ALL:
        module.add_to(kinds)
    return parser


def understood(words: list[str]) -> bool:
    try:
        program().parse_args(words)
    except (argparse.ArgumentError, SystemExit):
        return False
    return True


def example() -> dict[str, tuple[str, bool]]:
    """Name -> value and whether it is set, from .env.example."""
    lines = (COMPOSE / ".env.example").read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"(#?)([A-Z][A-Z0-9_]*)=(.*)", line) for line in lines]
    names = [match[2] for match in found if match]
    assert len(names) == len(set(names)), "a name is listed twice"
    return {match[2]: (match[3], not match[1]) for match in found if match}


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_valid_by_the_compose_specification(name: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(read(name))


def test_the_gpu_file_laid_over_the_cpu_file_is_valid_too() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(whole("gpu"))


def test_the_schema_would_notice_a_slip() -> None:
    slip = read("compose.cpu.yaml")
    slip["services"]["chat"]["depend_on"] = ["migrate"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(slip)


@pytest.mark.parametrize("kind", WHOLE)
def test_every_command_is_one_that_the_program_knows(kind: str) -> None:
    assert not understood(["cook"])
    for name, service in ours(kind):
        command = list(service["command"])
        if service.get("entrypoint"):
            lines = re.findall(r"\bappliance ((?:[\w-]|[\"$./])[^&;{}]*)", command[0])
            assert lines, name
            assert all(understood(line.split()) for line in lines), name
        else:
            assert understood(command), f"{name}: appliance {' '.join(command)}"


@pytest.mark.parametrize("kind", WHOLE)
def test_all_roles_are_there(kind: str) -> None:
    started = {service["command"][0] for _, service in ours(kind) if not service.get("profiles")}
    assert {"migrate", "chat", "console", "worker"} <= started
    assert ("engine" in started) == (kind != "gpu")


@pytest.mark.parametrize("kind", WHOLE)
def test_every_variable_given_to_the_program_is_a_setting_and_loads(kind: str, tmp_path: Path) -> None:
    for name, service in ours(kind):
        given = {key: filled(str(value)) for key, value in service["environment"].items()}
        assert set(given) <= KNOWN, f"{name}: {set(given) - KNOWN}"
        settings = load({**given, "APPLIANCE_HOME": str(tmp_path)})
        assert (settings.chat_port, settings.console_port, settings.engine_port) == tuple(PORTS.values())


@pytest.mark.parametrize("name", FILES)
def test_every_variable_read_by_a_file_is_in_the_example(name: str) -> None:
    read_here = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (COMPOSE / name).read_text(encoding="utf-8")))
    assert read_here <= set(example())


def test_the_example_lists_every_setting_and_nothing_else() -> None:
    assert set(example()) == KNOWN | COMPOSE_OWN


def test_the_example_tells_the_defaults() -> None:
    for field, info in Settings.model_fields.items():
        value, _ = example()[variable(field)]
        default = info.default.get_secret_value() if isinstance(info.default, SecretStr) else info.default
        if field in {"home", "database_url", "redis_url"}:
            continue  # the example shows their form
        told = "" if default in (None, ()) else str(default).lower() if isinstance(default, bool) else str(default)
        assert value == told, variable(field)


def test_the_example_loads_as_it_stands_and_holds_no_secret(tmp_path: Path) -> None:
    given = {name: value for name, (value, is_set) in example().items() if is_set}
    settings = load({**given, "APPLIANCE_HOME": str(tmp_path)})
    assert settings == load({"APPLIANCE_HOME": str(tmp_path)})
    secret = {name for name in example() if re.search("PASSWORD|SECRET|TOKEN|API_KEY", name)}
    assert {example()[name][0] for name in secret} == {""}


def test_the_sample_is_loaded_into_an_empty_shop_alone(tmp_path: Path) -> None:
    service = dict(ours("cpu"))["catalogue"]
    tools, home = tmp_path / "bin", tmp_path / "home"
    for tool in ("python", "appliance"):
        write_tool(tools / tool, f'echo {tool} "$@" >>"{tmp_path}/said"\n')
    pointer = Shelf(home / "catalog")._pointer  # the file that names the live version

    def said(**env: str) -> str:
        line = [*service["entrypoint"], service["command"][0].replace("$$", "$")]
        around = {"PATH": f"{tools}:{os.environ['PATH']}", "APPLIANCE_HOME": str(home), **env}
        (tmp_path / "said").write_text("")
        subprocess.run(line, env=around, check=True, timeout=60)
        return (tmp_path / "said").read_text()

    assert said() == (
        f"python -m catalog.sample --out {home}/sample\n"
        f"appliance catalog import {home}/sample/catalogue.xlsx --publish\n"
    )
    assert said(APPLIANCE_SAMPLE="false") == ""
    pointer.parent.mkdir(parents=True, exist_ok=True)
    pointer.write_text("[]")
    assert said() == ""


@pytest.mark.parametrize("kind", WHOLE)
def test_published_ports_lead_to_the_ports_that_the_roles_listen_on(kind: str) -> None:
    for name, service in ours(kind):
        for port in service.get("ports", ()):
            assert int(port.rsplit(":", 1)[1]) == PORTS[name], name
        test = " ".join(service.get("healthcheck", {}).get("test", ()))
        for asked in re.findall(r"http://127\.0\.0\.1:(\d+)", test):
            assert int(asked) == PORTS[service["command"][0]], name


@pytest.mark.parametrize("kind", WHOLE)
def test_the_console_is_published_to_its_own_box_alone(kind: str) -> None:
    console = dict(ours(kind))["console"]
    assert console["ports"] and all(port.startswith("127.0.0.1:") for port in console["ports"])


@pytest.mark.parametrize("kind", WHOLE)
def test_our_containers_run_without_privileges_and_with_bounded_logs(kind: str) -> None:
    for name, service in ours(kind):
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] and service["init"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "max-size" in service["logging"]["options"], name


@pytest.mark.parametrize("kind", WHOLE)
def test_only_caddy_s_address_is_believed_about_where_customers_come_from(kind: str) -> None:
    book = whole(kind)
    caddy = book["services"]["caddy"]["networks"]["inside"]["ipv4_address"]
    trusted = {service["environment"]["APPLIANCE_TRUSTED_PROXIES"] for _, service in ours(kind)}
    assert trusted == {caddy}


def test_addresses_between_services_name_services_and_their_ports() -> None:
    for kind in WHOLE:
        services = whole(kind)["services"]
        for name, service in ours(kind):
            for key in ("APPLIANCE_ENGINE_URL", "REDIS_URL"):
                if key in service["environment"]:
                    address = urlsplit(filled(service["environment"][key]))
                    assert address.hostname in services, f"{name}: {key}"
                    assert address.port in (PORTS["engine"], 6379)


def test_the_scaled_set_up_has_two_chats_an_outer_database_and_a_shared_cache() -> None:
    book = whole("scale")
    services = book["services"]
    assert services["chat"]["deploy"]["replicas"] == 2
    assert "ports" not in services["chat"], "two copies cannot publish one port"
    assert not any("postgres" in service.get("image", "") for service in services.values())
    assert services["chat"]["environment"]["DATABASE_URL"].startswith("${DATABASE_URL:?")
    assert "valkey" in services and "caddy" in services


def test_the_gpu_set_up_reserves_a_card_and_rests_the_engine() -> None:
    services = whole("gpu")["services"]
    (device,) = services["llm"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["driver"] == "nvidia" and device["capabilities"] == ["gpu"]
    assert services["engine"]["profiles"] and services["model"]["profiles"]
    assert services["chat"]["environment"]["APPLIANCE_LLM_PROVIDER"] == "openai"


def test_the_image_is_built_from_what_the_project_is_made_of() -> None:
    lines = (COMPOSE / "Dockerfile").read_text(encoding="utf-8").splitlines()
    project = tomllib.loads((CLONE / "pyproject.toml").read_text(encoding="utf-8"))
    copied = {word for line in lines if line.startswith("COPY") and "--from" not in line for word in line.split()[1:-1]}
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= copied
    assert {
        "pyproject.toml",
        "requirements.lock",
        project["project"]["readme"],
    } <= copied
    kept = {line[1:] for line in (COMPOSE / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == kept
    assert 'ENTRYPOINT ["appliance"]' in lines and "appliance" in project["project"]["scripts"]


def test_the_image_runs_as_a_user_of_its_own_keeps_its_data_in_one_place_and_tells_its_health() -> None:
    text = (COMPOSE / "Dockerfile").read_text(encoding="utf-8")
    final = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER appliance$", final, re.MULTILINE)
    assert "APPLIANCE_HOME=/var/lib/appliance" in final and "VOLUME /var/lib/appliance" in final
    assert f"http://127.0.0.1:{PORTS['chat']}/livez" in final
    assert f"EXPOSE {' '.join(str(port) for port in PORTS.values())}" in final
    assert set(re.findall(r"\b(APPLIANCE_\w+)=", final)) <= KNOWN
    assert set(re.findall(r"\b(APPLIANCE_\w+)=", final)) <= set(read("compose.cpu.yaml")["x-appliance"]["environment"])


def test_caddy_leads_to_the_chat() -> None:
    text = (COMPOSE / "Caddyfile").read_text(encoding="utf-8")
    assert f"{{$CHAT_PORT:{PORTS['chat']}}}" in text and "{$CHAT_HOST:chat}" in text
    assert "{$PUBLIC_URL:localhost}" in text
    if caddy := shutil.which("caddy"):
        for url in ("", "https://chat.example.com"):
            asked = [caddy, "validate", "--adapter", "caddyfile", "--config", str(COMPOSE / "Caddyfile")]
            env = {**os.environ, **({"PUBLIC_URL": url} if url else {})}
            subprocess.run(asked, check=True, capture_output=True, env=env, timeout=60)


def test_one_command_lays_out_systemd_units_that_start_what_the_program_has(tmp_path: Path) -> None:
    if not (CLONE / ".venv" / "bin" / "python").exists():
        pytest.skip("scripts/setup has not made .venv here")
    install(tmp_path)
    units = sorted((tmp_path / "etc" / "systemd" / "system").iterdir())
    assert [unit.name for unit in units] == ["counterman.service", "counterman@.service"]
    for unit in units:
        text = unit.read_text(encoding="utf-8")
        assert not re.search("@[A-Z]+@", text), "something was left to fill in"
        assert str(CLONE) in text and "APPLIANCE_HOME=/srv/shop" in text
        (start,) = re.findall(r"^ExecStart=(\S+) -m appliance (\S+)$", text, re.MULTILINE)
        assert Path(start[0]).exists()
        assert all(
            understood([role]) for role in (("chat", "console", "worker", "engine") if start[1] == "%i" else start[1:])
        )
    if analyze := shutil.which("systemd-analyze"):
        done = subprocess.run(
            [analyze, "verify", str(units[0])], capture_output=True, text=True, timeout=60, check=False
        )
        assert not [line for line in done.stderr.splitlines() if "counterman" in line], done.stderr


def test_the_installed_settings_file_loads_is_private_and_is_never_overwritten(tmp_path: Path) -> None:
    if not (CLONE / ".venv" / "bin" / "python").exists():
        pytest.skip("scripts/setup has not made .venv here")
    install(tmp_path)
    file = tmp_path / "etc" / "counterman.env"
    assert file.stat().st_mode & 0o077 == 0
    names = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", file.read_text(encoding="utf-8"), re.MULTILINE))
    assert names == KNOWN
    file.write_text("TELEGRAM_TOKEN=1:a\n")
    install(tmp_path)
    assert file.read_text() == "TELEGRAM_TOKEN=1:a\n"


def test_a_role_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    done = install(tmp_path, "cook", check=False)
    assert done.returncode == 1 and "cook" in done.stderr and "worker" in done.stderr
    assert not (tmp_path / "etc").exists()


def install(root: Path, *roles: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COUNTERMAN_ROOT": str(root), "COUNTERMAN_HOME": "/srv/shop", "COUNTERMAN_USER": "root"}
    script = [str(COMPOSE / "systemd" / "install"), *roles]
    return subprocess.run(script, env=env, check=check, capture_output=True, text=True, timeout=60)


def write_tool(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)


def filled(value: str) -> str:
    """A value with its ${NAME:-default} filled in; what must be given is given something."""
    given = {
        "DATABASE_URL": "postgresql://a:b@db/c",
        "PUBLIC_URL": "https://chat.example.com",
        "POSTGRES_PASSWORD": "pw",
    }
    return re.sub(r"\$\{(\w+)(?::([-?])([^}]*))?\}", lambda m: m[3] if m[2] == "-" else given.get(m[1], ""), value)
