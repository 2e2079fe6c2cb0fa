"""Settings: what wins, what is refused and how it is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from appliance.settings import Settings, SettingsError, load, variable


def write(folder: Path, text: str) -> Path:
    path = folder / "appliance.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_with_no_settings_at_all_the_demo_can_start() -> None:
    settings = load({})
    assert (settings.chat_host, settings.chat_port, settings.console_port) == ("127.0.0.1", 8080, 8081)
    assert settings.database_url is None
    assert settings.home == Path(__file__).parents[2] / "data"


def test_the_environment_wins_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    write(tmp_path, "chat_port = 9000\nconsole_port = 9001\n")
    settings = load({"APPLIANCE_HOME": str(tmp_path), "APPLIANCE_CHAT_PORT": "9100"})
    assert (settings.chat_port, settings.console_port, settings.engine_port) == (9100, 9001, 8082)


def test_a_file_given_by_name_is_read_instead_of_the_one_in_the_home(tmp_path: Path) -> None:
    write(tmp_path, "chat_port = 9000\n")
    other = tmp_path / "other.toml"
    other.write_text("chat_port = 9500\n", encoding="utf-8")
    env = {"APPLIANCE_HOME": str(tmp_path)}
    assert load(env, other).chat_port == 9500
    assert load({**env, "APPLIANCE_CONFIG": str(other)}).chat_port == 9500


@pytest.mark.parametrize("site", ["shop.example", "https://shop.example/pumps", "ftp://shop.example", "https://*"])
def test_a_site_that_no_page_can_have_is_refused(site: str) -> None:
    with pytest.raises(SettingsError, match=r"is no site: write it as https://shop\.example"):
        load({"APPLIANCE_SITES": f"https://a.example {site}"})


def test_sites_may_be_a_port_all_subdomains_or_all() -> None:
    sites = ("http://127.0.0.1:8090", "https://*.shop.example", "https://магазин.example", "*")
    assert load({"APPLIANCE_SITES": " ".join(sites)}).sites == sites


def test_a_file_outside_may_name_the_home(tmp_path: Path) -> None:
    assert load({}, write(tmp_path, f'home = "{tmp_path / "there"}"\n')).home == tmp_path / "there"


def test_tables_join_their_name_to_their_keys(tmp_path: Path) -> None:
    settings = load({}, write(tmp_path, '[smtp]\nhost = "mail.example.com"\nport = 465\nsecurity = "tls"\n'))
    assert (settings.smtp_host, settings.smtp_port, settings.smtp_security) == ("mail.example.com", 465, "tls")


def test_customary_names_are_understood() -> None:
    settings = load({"DATABASE_URL": "postgres://me:pw@db/shop", "TELEGRAM_TOKEN": "1:a", "SMTP_HOST": "mail"})
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://me:pw@db/shop"
    assert settings.telegram_token.get_secret_value() == "1:a"
    assert settings.smtp_host == "mail"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("APPLIANCE_CHAT_PROT", "APPLIANCE_CHAT_PORT"),
        ("APPLIANCE_TELEGRAM_TOKN", "TELEGRAM_TOKEN"),
        ("SMTP_PASWORD", "SMTP_PASSWORD"),
        ("ZOHO_CLIENT_ID_", "ZOHO_CLIENT_ID"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_known_one(name: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is not a setting. Did you mean {meant}?"):
        load({name: "1"})


def test_variables_of_other_programs_are_left_alone() -> None:
    load({"SMTP_RELAY_FOR_GRAFANA": "1", "PATH": "/bin", "APPLIANCE_PYTHON": "python3.12"})


def test_an_unknown_key_of_the_file_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="`chat.prot`|`chat_prot` is not a setting. Did you mean chat_port?"):
        load({}, write(tmp_path, "[chat]\nprot = 1\n"))


def test_a_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"appliance.toml is not valid TOML: .*line 1"):
        load({}, write(tmp_path, "chat_port == 3\n"))


def test_a_missing_file_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load({}, tmp_path / "absent.toml")


def test_all_bad_values_are_told_at_once_and_by_their_variables() -> None:
    with pytest.raises(SettingsError) as told:
        load({"APPLIANCE_CHAT_PORT": "70000", "DATABASE_URL": "sqlite:///shop.db", "PUBLIC_URL": "shop.example.com"})
    text = str(told.value)
    assert "APPLIANCE_CHAT_PORT (`chat_port` in appliance.toml)" in text
    assert "DATABASE_URL" in text and "PostgreSQL is the only database" in text
    assert "PUBLIC_URL" in text and "must begin with http" in text


def test_a_refused_value_is_not_repeated_because_it_may_be_a_secret() -> None:
    with pytest.raises(SettingsError) as told:
        load({"DATABASE_URL": "mysql://root:hunter2@db/shop"})
    assert "hunter2" not in str(told.value)
    assert told.value.__cause__ is None


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    env = {
        "TELEGRAM_TOKEN": "11:hush", "DATABASE_URL": "postgresql://u:hush@h/d", "ZOHO_CLIENT_SECRET": "hush",
        "ZOHO_REFRESH_TOKEN": "hush", "SMTP_PASSWORD": "hush", "REDIS_URL": "redis://:hush@h",
        "APPLIANCE_LLM_API_KEY": "hush", "APPLIANCE_PROXY": "http://u:hush@h",
    }  # fmt: skip
    settings = load(env)
    assert "hush" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_an_empty_variable_counts_as_absent() -> None:
    assert load({"DATABASE_URL": "", "APPLIANCE_CHAT_PORT": " "}).chat_port == 8080


def test_two_names_of_one_setting_must_agree() -> None:
    with pytest.raises(SettingsError, match="keep one"):
        load({"DATABASE_URL": "postgresql://a", "APPLIANCE_DATABASE_URL": "postgresql://b"})


def test_lists_are_written_with_commas_or_spaces(tmp_path: Path) -> None:
    sites = ("https://a.example", "https://b.example")
    assert load({"APPLIANCE_SITES": "https://a.example, https://b.example"}).sites == sites
    assert load({}, write(tmp_path, 'sites = ["https://a.example", "https://b.example"]\n')).sites == sites


def test_a_proxy_that_is_no_address_is_refused() -> None:
    assert load({"APPLIANCE_TRUSTED_PROXIES": "10.0.0.0/8 127.0.0.1"}).trusted_proxies == ("10.0.0.0/8", "127.0.0.1/32")
    with pytest.raises(SettingsError, match="APPLIANCE_TRUSTED_PROXIES"):
        load({"APPLIANCE_TRUSTED_PROXIES": "the-proxy"})


def test_settings_cannot_be_changed_but_copied() -> None:
    settings = load({})
    with pytest.raises(ValidationError):
        settings.chat_port = 1  # type: ignore[misc]
    assert settings.changed(chat_port=9).chat_port == 9
    with pytest.raises(ValidationError):
        settings.changed(chat_port=-9)


def test_addresses_are_ones_a_browser_on_this_box_can_open() -> None:
    assert load({"APPLIANCE_CHAT_HOST": "0.0.0.0"}).chat_address == "http://127.0.0.1:8080"
    assert load({"APPLIANCE_CHAT_HOST": "::1"}).chat_address == "http://[::1]:8080"
    assert load({"PUBLIC_URL": "https://chat.example.com/"}).chat_address == "https://chat.example.com"
    assert load({}).engine_address == "http://127.0.0.1:8082"


def test_every_field_is_known_by_one_variable() -> None:
    names = [variable(field) for field in Settings.model_fields]
    assert len(set(names)) == len(names)
    assert {"APPLIANCE_HOME", "DATABASE_URL", "APPLIANCE_CHAT_PORT", "SMTP_FROM"} <= set(names)


def test_ollama_is_found_where_it_listens_by_itself_and_must_be_told_its_model() -> None:
    assert load({"APPLIANCE_LLM_PROVIDER": "ollama", "APPLIANCE_MODEL": "m"}).engine_address == "http://127.0.0.1:11434"
    with pytest.raises(SettingsError, match="APPLIANCE_MODEL"):
        load({"APPLIANCE_LLM_PROVIDER": "ollama"})
