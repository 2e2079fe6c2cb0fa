"""What must be known before the start: defaults < `appliance.toml` < environment; read by app and __main__ alone."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    model_validator,
)

from appliance.alerts import Quiet
from appliance.hours import Hours

FILE = "appliance.toml"

# Names that other programs use as well, and by which operators expect to set them.
CUSTOMARY_NAMES = frozenset(
    {"DATABASE_URL", "PUBLIC_URL", "REDIS_URL", "TELEGRAM_TOKEN", "TELEGRAM_API_URL", "TELEGRAM_WEBHOOK"}
)
CUSTOMARY_FAMILIES = ("ZOHO_", "SMTP_")

# Read by the scripts or before the settings themselves, so they are no settings.
OTHER_NAMES = frozenset({"APPLIANCE_CONFIG", "APPLIANCE_PYTHON", "APPLIANCE_RUN"})


class SettingsError(Exception):
    """A setting is unknown or has a value that cannot be used; the message names it and says what would do."""


def _split(value: object) -> object:
    """A list in a variable is written with commas or spaces; in the file it is a list."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _trim(url: str) -> str:
    return url.rstrip("/")


def _http(url: str) -> str:
    if url and not url.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return _trim(url)


def _postgres(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ValueError(
            "must begin with postgresql:// (PostgreSQL is the only database; leave it out for the own one)"
        )
    return SecretStr(f"postgresql://{rest}")


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(value, strict=False)) for value in values)


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value != "*" and not re.fullmatch(r"https?://(\*\.)?[^/*?#@\s]+/?", value):
            raise ValueError(
                f"{value} is no site: write it as https://shop.example, https://*.shop.example (its subdomains) or *"
            )
    return values


def _hour(text: str) -> str:
    try:
        return time.fromisoformat(text).strftime("%H:%M")
    except ValueError:
        raise ValueError("must be an hour such as 03:00") from None


Days = Annotated[int, Field(ge=0, le=36500)]
Port = Annotated[int, Field(ge=1, le=65535)]
Often = Literal["daily", "weekly", "monthly", "never"]
Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
Url = Annotated[str, AfterValidator(_http)]
NO_SECRET = SecretStr("")
OLLAMA = "http://127.0.0.1:11434"  # where Ollama listens unless it is told otherwise


class Settings(BaseModel):
    """Frozen. Every field is `APPLIANCE_<FIELD>` in the environment and `<field>` in the file.

    A table of the file joins its name to the keys in it: `[smtp] host` is `smtp_host`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    home: Path
    database_url: Annotated[SecretStr, AfterValidator(_postgres)] | None = None  # None: the embedded one
    database_pool: Annotated[int, Field(ge=2, le=100)] = 10  # connections a process may hold
    redis_url: SecretStr | None = None

    chat_host: str = "127.0.0.1"
    chat_port: Port = 8080
    console_host: str = "127.0.0.1"
    console_port: Port = 8081
    public_url: Url = ""  # how customers' browsers reach the chat
    console_url: Url = ""  # how managers' browsers reach the console; empty: console_host and console_port
    session_idle: Annotated[float, Field(gt=0, le=720)] = 12  # hours after which an unused login ends
    session_days: Annotated[float, Field(gt=0, le=365)] = 14  # days after which any login ends
    sites: Annotated[Words, AfterValidator(_origins)] = ()  # origins whose pages may embed the widget; "*" for all
    trusted_proxies: Annotated[Words, AfterValidator(_networks)] = ()  # whose X-Forwarded-For is believed

    llm_provider: str = "engine"
    llm_api_key: SecretStr = NO_SECRET
    model: str = ""  # empty: the one chosen in home/models
    embedder: str = ""  # empty: the packaged one
    second_embedder: str = ""  # a heavier one whose lane joins each version later; empty: none
    embedder_model: str = ""  # its folder, or its name on the server
    embedder_url: Url = ""  # of an OpenAI-compatible server or Ollama
    engine_url: Url = ""  # empty: the own engine at engine_host:engine_port
    engine_host: str = "127.0.0.1"
    engine_port: Port = 8082
    engine_runtime: Literal["auto", "xllamacpp", "llama-cpp-python"] = "auto"  # auto: xllamacpp
    engine_threads: Annotated[int, Field(ge=1, le=512)] | None = None  # None: as the hardware check says
    engine_slots: Annotated[int, Field(ge=1, le=64)] | None = None  # chats decoded together
    engine_context: Annotated[int, Field(ge=1024, le=262144)] | None = None  # tokens a slot

    patience: Annotated[float, Field(gt=0, le=120)] = 8  # seconds a customer waits for prose; past it, a template
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "RU"  # of phone numbers written without a country
    default_language: Annotated[str, Field(pattern="^[a-z]{2}$")] = "ru"

    work_hours: str = ""  # when managers work: "mon-fri 09:00-18:00, sat 10:00-14:00"; empty: always
    timezone: str = "Europe/Moscow"  # of the working hours
    notices: Literal["at_once", "working_hours"] = "at_once"  # when managers hear of leads
    lead_idle: Annotated[float, Field(gt=0, le=10080)] = 30  # minutes of silence after which a dialogue is a lead
    lead_patience: Annotated[float, Field(gt=0, le=10080)] = 15  # minutes after which an untaken lead is told again
    takeover_patience: Annotated[float, Field(gt=0, le=10080)] = 30  # minutes a manager may be silent in a dialogue

    quote_days: Annotated[int, Field(ge=1, le=365)] = 7  # that the prices of a quotation hold
    quote_company: str = ""  # who quotes, at the head of the paper
    quote_contact: str = ""  # its foot: whom to ask, by telephone or mail

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"  # auto: console on a terminal
    proxy: SecretStr = NO_SECRET  # for Telegram, Zoho and downloads

    backup_folder: Path | None = None  # None: backups/ in the data folder
    backup_copies: Path | None = None  # a folder off the box, such as a mounted share
    backup_at: Annotated[str, AfterValidator(_hour)] = "03:00"  # in the time zone
    backup_every: Annotated[int, Field(ge=1, le=168)] = 24  # hours
    backup_daily: Annotated[int, Field(ge=1, le=366)] = 7  # how many days, weeks and months have their newest kept
    backup_weekly: Annotated[int, Field(ge=0, le=520)] = 4
    backup_monthly: Annotated[int, Field(ge=0, le=120)] = 6
    backup_verify: Annotated[int, Field(ge=0, le=366)] = 30  # days between restores into a scratch database; 0: never
    keep_dialogues: Days = 1095  # days after their last word; 0: for ever
    keep_leads: Days = 1825  # days after which their contacts are blanked
    keep_parcels: Days = 30  # days that what was delivered is remembered
    keep_audit: Days = 1095
    keep_logs: Days = 90

    alert_to: Words = ()  # mail addresses and Telegram chats told of trouble besides the administrators
    quiet_hours: str = ""  # "22:00-07:00": alerts that may wait are kept back; the console may change them
    box_report: Often = "weekly"  # how often managers hear how the box serves; the console may change it
    heartbeat_url: SecretStr = NO_SECRET  # of a monitor outside; posted while all that customers need is well
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65533)] = 0  # chat, worker and engine: this and the next two; 0: off

    upload_limit: Annotated[int, Field(ge=1, le=2048)] = 200  # megabytes of an uploaded price list
    sample: bool = True  # an empty shelf gets the sample catalogue at the first start
    pull: bool = True  # a missing default model is fetched at the first start

    telegram_token: SecretStr = NO_SECRET
    telegram_api_url: Url = "https://api.telegram.org"
    telegram_webhook: bool = False  # Telegram brings messages to public_url; otherwise it is asked for them
    zoho_client_id: str = ""
    zoho_client_secret: SecretStr = NO_SECRET
    zoho_refresh_token: SecretStr = NO_SECRET
    zoho_accounts_url: Url = "https://accounts.zoho.com"
    zoho_api_url: Url = ""  # empty: as the accounts server says
    zoho_api_version: Annotated[str, Field(pattern="^v[3-8]$")] = "v8"
    crm_webhook_url: Url = ""  # leads go there, signed, instead of to Zoho
    crm_webhook_secret: SecretStr = NO_SECRET
    crm_wait: Annotated[float, Field(gt=0, le=1440)] = 10  # minutes before a held push is tried again; then longer
    crm_report: Often = "weekly"  # how often managers hear how the pushes go; the console may change it
    secret_key: SecretStr = NO_SECRET  # seals secrets in the database; empty: secret.key in the data folder
    smtp_host: str = ""
    smtp_port: Port = 587
    smtp_user: str = ""
    smtp_password: SecretStr = NO_SECRET
    smtp_from: str = ""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"

    _file: Path | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _hours_can_be_read(self) -> Self:
        try:
            Hours.read(self.work_hours, self.timezone)
        except KeyError:
            raise ValueError(f"there is no time zone {self.timezone!r}; write for example Asia/Almaty") from None
        return self

    @model_validator(mode="after")
    def _quiet_hours_can_be_read(self) -> Self:
        Quiet.read(self.quiet_hours)
        return self

    @model_validator(mode="after")
    def _ollama_has_many(self) -> Self:
        if self.llm_provider == "ollama" and not self.model:
            raise ValueError("which of Ollama's models answers is not said: APPLIANCE_MODEL, for example qwen3:4b")
        return self

    @property
    def file(self) -> Path | None:
        """The file that was read, if any: child processes are told to read the same."""
        return self._file

    @property
    def engine_address(self) -> str:
        """Base URL of the model's server: the one given, Ollama's own where it is chosen, or the own engine."""
        if self.llm_provider == "ollama":
            return self.engine_url or OLLAMA
        return self.engine_url or f"http://{self.engine_host}:{self.engine_port}"

    @property
    def chat_address(self) -> str:
        """Base URL of the chat for a person on this box, or the public one."""
        return self.public_url or f"http://{_reachable(self.chat_host)}:{self.chat_port}"

    @property
    def console_address(self) -> str:
        """Base URL of the console for a person: the one given, or the one on this box."""
        return self.console_url or f"http://{_reachable(self.console_host)}:{self.console_port}"

    def changed(self, **fields: Any) -> Self:
        """A checked copy with other values."""
        copy = type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **fields})
        copy._file = self._file
        return copy


def load(env: Mapping[str, str] = os.environ, config: Path | None = None) -> Settings:
    """Settings from `config` (or `APPLIANCE_CONFIG`, or `appliance.toml` in the home) and `env`; `SettingsError`."""
    given = _from_environment(env)
    chosen = config or (Path(env["APPLIANCE_CONFIG"]) if env.get("APPLIANCE_CONFIG") else None)
    written = _from_file(chosen) if chosen else {}
    home = Path(given.get("home") or written.get("home") or default_home()).expanduser().absolute()
    if chosen is None and (home / FILE).is_file():
        chosen = home / FILE
        written = _from_file(chosen)
        if "home" in written:
            raise SettingsError(f"{home / FILE}: `home` cannot be set in the file that lies in it; use APPLIANCE_HOME.")
    try:
        settings = Settings(**{**written, **given, "home": home})
        settings._file = chosen
        return settings
    except ValidationError as error:
        raise SettingsError(_plain(error)) from None  # without the cause: it holds the values, secrets too


def in_force(settings: Settings, env: Mapping[str, str] = os.environ) -> list[tuple[str, str, str]]:
    """Every setting as people know it: its variable, its value (a secret is only said to be set), whence it comes.

    The source is `environment`, `file` or `default`.
    """
    given = _from_environment(env)
    written = _from_file(settings.file) if settings.file else {}
    rows = []
    for field in Settings.model_fields:
        source = "environment" if field in given else "file" if field in written else "default"
        rows.append((variable(field), _shown(getattr(settings, field)), source))
    return rows


def _shown(value: object) -> str:
    match value:
        case SecretStr():
            return "••••••" if value.get_secret_value() else ""
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def default_home() -> Path:
    """`data/` in the clone; installed as a package, `data/` in the working folder."""
    clone = Path(__file__).resolve().parents[1]
    return (clone if (clone / "pyproject.toml").is_file() else Path.cwd()) / "data"


def variable(field: str) -> str:
    """The environment variable by which people know a field."""
    name = field.upper()
    return name if _customary(name) else f"APPLIANCE_{name}"


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    """Variables that are set to nothing count as absent: compose files pass them so."""
    found: dict[str, Any] = {}
    for name in sorted(env):
        field = _field(name)
        if field is None or not env[name].strip():
            continue
        if field in found and found[field] != env[name]:
            raise SettingsError(f"{field.upper()} and {name} are both set and differ; keep one of them.")
        found[field] = env[name]
    return found


def _field(name: str) -> str | None:
    """The field that a variable sets; None for a variable that is not ours."""
    if name in OTHER_NAMES:
        return None
    field = name.removeprefix("APPLIANCE_").lower()
    if name.startswith("APPLIANCE_"):
        if field not in Settings.model_fields:
            raise SettingsError(f"{name} is not a setting. {_hint(field, variable)}")
        return field
    if not _customary(name):
        return None
    if field not in Settings.model_fields:
        # Other programs have SMTP_* of their own; only what looks like a slip of the pen is refused.
        if _nearest(field, cutoff=0.85):
            raise SettingsError(f"{name} is not a setting. {_hint(field, variable)}")
        return None
    return field


def _customary(name: str) -> bool:
    return name in CUSTOMARY_NAMES or name.startswith(CUSTOMARY_FAMILIES)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    flat = dict(_flat(tables))
    for key in flat:
        if key not in Settings.model_fields:
            raise SettingsError(f"{path}: `{key}` is not a setting. {_hint(key)}")
    return flat


def _flat(tables: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in tables.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}_")
        else:
            yield prefix + key, value


def _hint(field: str, spell: Callable[[str], str] = str) -> str:
    near = _nearest(field, cutoff=0.5)
    return f"Did you mean {spell(near)}?" if near else "docs/settings.md lists them all."


def _nearest(field: str, *, cutoff: float) -> str:
    return next(iter(difflib.get_close_matches(field, list(Settings.model_fields), n=1, cutoff=cutoff)), "")


def _plain(error: ValidationError) -> str:
    """One line a problem; values are left out because they may be secrets."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        if not problem["loc"]:  # of several settings together; the message names them
            lines.append(problem["msg"].removeprefix("Value error, ") + ".")
            continue
        field = str(problem["loc"][0])
        lines.append(f"{variable(field)} (`{field}` in {FILE}): {problem['msg'].removeprefix('Value error, ')}.")
    return "\n".join(lines)


def _reachable(host: str) -> str:
    """The address by which a browser on this box reaches a server that listens on `host`."""
    if host in {"0.0.0.0", "::", ""}:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
