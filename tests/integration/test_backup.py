"""A backup is one consistent state, is proven by a restore, and brings a destroyed data folder back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from appliance.backup import BackupError, Backups, read
from appliance.restore import restore
from appliance.store import dump
from appliance.store.embedded import Embedded
from appliance.store.schema import migrate
from catalog.product import Product
from catalog.shelf import Shelf
from models.packaged import PackagedEmbedder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a database of 1,000 messages, a catalogue, the owner's texts and settings; nothing runs."""
    home = tmp_path_factory.mktemp("box") / "home"
    (home / "company").mkdir(parents=True)
    (home / "company" / "delivery.md").write_text("# Доставка\nЗавтра.", "utf-8")
    (home / "appliance.toml").write_text('region = "KZ"\n')
    (home / "secret.key").write_text("never in a backup")
    (home / "cache" / "vectors").mkdir(parents=True)
    (home / "cache" / "vectors" / "x.npy").write_bytes(b"x")
    (home / "models").mkdir()
    (home / "models" / "chosen").write_text("qwen3-4b\n")
    (home / "models" / "qwen.gguf").write_bytes(b"GGUF")
    with Embedded(home / "postgres") as server:
        migrate(server.url)
        talk(server.url, 1000)
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    target = tmp_path / "home"
    shutil.copytree(made, target, ignore=shutil.ignore_patterns("run"))
    return target


@pytest.fixture
def running(home: Path) -> Iterator[str]:
    with Embedded(home / "postgres") as server:
        yield server.url


def talk(url: str, messages: int) -> str:
    """One dialogue; gives its id."""
    conversation = uuid4()
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO conversations (id, channel, address) VALUES (%s, 'telegram', %s)",
            (conversation, str(conversation.int % 10**9)),
        )
        connection.execute(
            """INSERT INTO messages (id, conversation_id, seq, role, text)
               SELECT gen_random_uuid(), %s, n, 'user', 'насос ' || n FROM generate_series(1, %s) AS n""",
            (conversation, messages),
        )
    return str(conversation)


def rows(url: str, table: str) -> int:
    return dump.rows_of(url)[table]


async def stocked(home: Path) -> str:
    """A live catalogue of one product; gives the version's name."""
    shelf = Shelf(home / "catalog", embedders=[PackagedEmbedder()])
    version = await shelf.add([Product(sku="P1", name="Насос", row=2)], source="list.xlsx")
    shelf.publish(version.name)
    shelf.close()
    return version.name


async def test_a_destroyed_data_folder_comes_back_by_one_command(home: Path, running: str, tmp_path: Path) -> None:
    version = await stocked(home)
    away = tmp_path / "share"
    away.mkdir()
    backups = Backups(home, copies=away)
    made = backups.create(running)
    assert made.copied and made.rows["messages"] == 1000 and made.catalogue == version
    talk(running, 5)  # after the backup: what a restore loses
    Embedded(home / "postgres")._clear_leftovers()
    shutil.rmtree(home)

    done = restore(Backups(home, folder=away))
    assert done.backup.id == made.id and done.put_aside is None and done.key_missing
    assert (home / "company" / "delivery.md").read_text("utf-8").startswith("# Доставка")
    assert (home / "appliance.toml").read_text() == 'region = "KZ"\n'
    assert (home / "models" / "chosen").read_text() == "qwen3-4b\n"
    assert not (home / "secret.key").exists() and not (home / "cache").exists()
    with Embedded(home / "postgres") as server:
        assert rows(server.url, "messages") == 1000
    shelf = Shelf(home / "catalog", embedders=[PackagedEmbedder()])
    found = await shelf.search("насос")
    assert [hit.product.sku for hit in found.hits] == ["P1"]
    shelf.close()


def test_a_living_box_is_not_overwritten_without_being_told_so(home: Path) -> None:
    with Embedded(home / "postgres") as server:
        made = Backups(home).create(server.url)
        talk(server.url, 7)
    with pytest.raises(BackupError, match="--force"):
        restore(Backups(home))
    done = restore(Backups(home), force=True)
    assert done.put_aside and (done.put_aside / "postgres" / "data").is_dir()
    assert (home / "secret.key").exists() and (home / "models" / "qwen.gguf").exists() and not done.key_missing
    with Embedded(home / "postgres") as server:
        assert rows(server.url, "messages") == made.rows["messages"]
    with Embedded(done.put_aside / "postgres") as server:
        assert rows(server.url, "messages") == 1007


def test_a_running_box_is_never_restored(home: Path, running: str) -> None:
    Backups(home).create(running)
    with pytest.raises(BackupError, match="in use"):
        restore(Backups(home), force=True)


def test_a_backup_is_proven_by_a_restore_and_a_damaged_one_is_told(home: Path, running: str) -> None:
    backups = Backups(home)
    made = backups.create(running)
    assert made.verified is None
    seen = backups.verify()
    assert seen.verified and seen.verified.rows == sum(made.rows.values()) and not seen.verified.trouble
    assert read(made.place).verified == seen.verified
    with (made.place / dump_name(made.place)).open("r+b") as file:
        file.seek(200)
        file.write(b"\0\0\0\0")
    with pytest.raises(BackupError, match="damaged"):
        backups.verify()
    now = datetime.now(UTC)
    assert backups.trouble(now, every=timedelta(days=1)) == ("backup_bad", {"id": made.id})
    assert backups.trouble(now + timedelta(days=3), every=timedelta(days=1))[0] == "backup_late"  # type: ignore[index]
    Embedded(home / "postgres")._clear_leftovers()
    with pytest.raises(BackupError, match="damaged"):
        restore(backups, force=True)
    assert (home / "postgres" / "data").is_dir() and not list(home.glob("replaced-*"))


def dump_name(place: Path) -> str:
    names: list[str] = json.loads((place / "manifest.json").read_text())["files"]
    return next(name for name in names if name.endswith(".dump"))


def test_fewer_rows_than_were_saved_do_not_pass(home: Path, running: str) -> None:
    backups = Backups(home)
    made = backups.create(running)
    manifest = made.place / "manifest.json"
    about = json.loads(manifest.read_text())
    about["rows"]["messages"] += 1
    manifest.write_text(json.dumps(about))
    with pytest.raises(BackupError, match="other rows"):
        backups.verify()


def test_another_database_is_restored_as_a_whole_or_not_at_all(home: Path, running: str) -> None:
    """The way of a box with DATABASE_URL: its tables are replaced in one transaction."""
    backups = Backups(home)
    made = backups.create(running)
    talk(running, 7)
    with psycopg.connect(running) as connection:
        connection.execute("CREATE TABLE of_a_later_version (id int)")
    dump.load(running, made.place / "database.dump")
    assert dump.rows_of(running) == dict(made.rows)
    torn = made.place / "torn.dump"
    torn.write_bytes((made.place / "database.dump").read_bytes()[:-3000])
    with pytest.raises(dump.DumpError):
        dump.load(running, torn)
    assert dump.rows_of(running) == dict(made.rows)


def test_a_database_that_others_use_is_not_replaced_under_their_hands(home: Path, tmp_path: Path) -> None:
    with Embedded(home / "postgres") as server:
        made = Backups(home).create(server.url)
    with Embedded(tmp_path / "elsewhere") as server:
        box = Backups(tmp_path / "box", folder=made.place.parent)
        with psycopg.connect(server.url), pytest.raises(BackupError, match="1 connections"):
            restore(box, url=server.url)
        done = restore(box, url=server.url)
        assert done.rows == sum(made.rows.values()) and rows(server.url, "messages") == 1000
        with pytest.raises(BackupError, match="holds tables"):
            restore(box, url=server.url)


def test_who_was_erased_since_is_erased_again(home: Path, running: str) -> None:
    conversation = talk(running, 3)
    backups = Backups(home)
    made = backups.create(running)
    backups.forget({"conversations": [conversation], "leads": [], "users": []}, made.created + timedelta(hours=1))
    Embedded(home / "postgres")._clear_leftovers()
    done = restore(backups, force=True)
    assert done.erased_again == 1
    with Embedded(home / "postgres") as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1 FROM conversations WHERE id = %s", (conversation,)).fetchone() is None
        assert rows(server.url, "messages") == 1000


def test_a_share_that_is_not_mounted_is_said_and_not_made(home: Path, running: str, tmp_path: Path) -> None:
    backups = Backups(home, copies=tmp_path / "share")
    with pytest.raises(BackupError, match="mounted"):
        backups.create(running)
    assert not (tmp_path / "share").exists() and len(backups.all()) == 1
    trouble = backups.trouble(datetime.now(UTC), every=timedelta(days=1))
    assert trouble == ("backup_away", {"folder": str(tmp_path / "share")})
