"""A price list on its way: uploaded, its columns put right, built by the worker, rehearsed, live, and taken back."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import signal
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import openpyxl
import pytest

from appliance.builds import Builds
from appliance.core.types import Role, Staff
from appliance.desk.base import Forbidden, Gone
from appliance.desk.catalogue import CatalogueDesk, TooLarge, safe_name
from appliance.store.store import Store
from appliance.store.uploads import Upload
from appliance.tasks import Tasks
from catalog.product import Product
from catalog.shelf import Shelf
from models.packaged import PackagedEmbedder
from tests.unit import workbook_books as books

HEADER = ("Артикул", "Наименование", "Опт", "Цена, руб.")


def goods(prices: float = 1.0, *, first: int = 1, last: int = 40) -> list[tuple[object, ...]]:
    names = ("Насос дренажный", "Компрессор поршневой", "Печь конвекционная", "Кабель силовой")
    return [
        (f"N-{n}", f"{names[n % 4]} модель {n}", 100 * n, round(1000 + 7 * n * prices * 10)) for n in range(first, last)
    ]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder, which the working processes find by the environment."""
    monkeypatch.setenv("APPLIANCE_HOME", str(tmp_path))
    monkeypatch.delenv("APPLIANCE_CONFIG", raising=False)
    return tmp_path


@pytest.fixture
async def shelf(home: Path) -> AsyncIterator[Shelf]:
    shelf = Shelf(home / "catalog", embedders=[PackagedEmbedder()])
    yield shelf
    shelf.close()


@pytest.fixture
def desk(store: Store, shelf: Shelf, home: Path) -> CatalogueDesk:
    return CatalogueDesk(store=store, shelf=shelf, home=home, limit=1 << 20)


@pytest.fixture
def builds(store: Store, home: Path) -> Builds:
    return Builds(store=store, folder=home / "uploads")


@pytest.fixture
async def manager(store: Store) -> Staff:
    async with store.transaction() as tx:
        return await tx.employ(name="Anna", role=Role.MANAGER, telegram_id=1, email="", lang="ru")


@pytest.fixture
async def administrator(store: Store) -> Staff:
    async with store.transaction() as tx:
        return await tx.employ(name="Boris", role=Role.ADMINISTRATOR, telegram_id=2, email="", lang="en")


async def brought(
    desk: CatalogueDesk, actor: Staff, tmp_path: Path, rows: books.Rows, *, name: str = "list.xlsx"
) -> UUID:
    file = books.xlsx(tmp_path / f"{uuid4()}.xlsx", ("Прайс", [HEADER, *rows]))
    id = uuid4()
    await desk.receive(actor, id, name, pieces(file.read_bytes()), lang="ru")
    return id


async def pieces(data: bytes, size: int = 7000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def stocked(shelf: Shelf, rows: books.Rows, *, source: str = "") -> str:
    """A live version with these goods; its name."""
    products = [
        Product(sku=str(sku), name=str(name), price=Decimal(str(price)), currency="RUB", source=source, row=row)
        for row, (sku, name, _, price) in enumerate(rows, 2)
    ]
    version = await shelf.add(products, source="before.xlsx")
    shelf.publish(version.name)
    return version.name


async def made(desk: CatalogueDesk, builds: Builds, actor: Staff, tmp_path: Path, rows: books.Rows) -> Upload:
    """An upload that was read and built."""
    id = await brought(desk, actor, tmp_path, rows)
    await builds.work_once()
    await desk.build(actor, id)
    await builds.work_once()
    return await desk.upload(actor, id)


async def test_a_list_becomes_the_live_catalogue_and_is_taken_back(
    desk: CatalogueDesk, builds: Builds, shelf: Shelf, manager: Staff, tmp_path: Path
) -> None:
    first = await made(desk, builds, manager, tmp_path, goods())
    assert (first.state, first.fault, first.verdict["verdict"]) == ("done", "", "pass")
    assert await desk.activate(manager, first.id) == "live"
    assert await desk.activate(manager, first.id) == "already"
    assert (await shelf.search("N-7")).hits[0].product.sku == "N-7"

    second = await made(desk, builds, manager, tmp_path, [*goods()[1:], ("N-99", "Фен строительный", 1, 990)])
    assert {kind: second.changes[kind] for kind in ("added", "gone", "price")} == {"added": 1, "gone": 1, "price": 0}
    assert (await desk.lines(manager, second.id, "gone"))[0]["sku"] == "N-1"
    assert await desk.activate(manager, second.id) == "live"
    assert (await shelf.search("N-99")).hits[0].product.name == "Фен строительный"
    assert (await shelf.search("N-99")).version == second.version

    assert await desk.roll_back(manager, expected=second.version) == first.version
    assert (await shelf.search("N-1")).hits[0].product.sku == "N-1"
    with pytest.raises(Gone):  # the second press of the same button takes nothing more back
        await desk.roll_back(manager, expected=second.version)

    acts = [(act.who, act.action.removeprefix("catalogue.")) for act in await desk.history(manager)]
    assert acts[:2] == [("Anna", "roll_back"), ("Anna", "activate")]
    versions = await desk.versions(manager)
    assert [(kept.author, kept.live, kept.before) for kept in versions] == [
        ("Anna", False, False),
        ("Anna", True, False),
    ]


async def test_a_column_put_right_holds_for_this_list_and_the_next_of_its_layout(
    desk: CatalogueDesk, builds: Builds, manager: Staff, tmp_path: Path
) -> None:
    id = await brought(desk, manager, tmp_path, goods())
    await builds.work_once()
    upload = await desk.upload(manager, id)
    sheet = upload.found["sheets"][0]
    assert {column["column"]: column["field"] for column in sheet["mapping"]}["D"] == "price"
    assert upload.found["sample"][0]["price"] == "1070"

    await desk.map_columns(manager, id, {sheet["fingerprint"]: {"C": "price", "D": "other_price"}})
    with pytest.raises(Gone):
        await desk.build(manager, uuid4())
    await builds.work_once()
    again = await desk.upload(manager, id)
    assert again.found["sample"][0]["price"] == "100"
    assert again.found["sheets"][0]["mapping"][2]["confidence"] == 1.0

    next_week = await brought(desk, manager, tmp_path, goods(first=3))
    await builds.work_once()
    assert (await desk.upload(manager, next_week)).found["sample"][0]["price"] == "300"


async def test_a_price_jump_is_refused_and_only_an_administrator_may_force_it(
    desk: CatalogueDesk, builds: Builds, shelf: Shelf, manager: Staff, administrator: Staff, tmp_path: Path
) -> None:
    jumped = await made(desk, builds, manager, tmp_path, [(a, b, c, int(str(d)) * 10) for a, b, c, d in goods()])
    assert jumped.verdict["verdict"] == "pass"  # there was nothing to compare it with
    first = await stocked(shelf, goods())
    assert await desk.activate(manager, jumped.id) == "outdated"
    await desk.rehearse(manager, jumped.id)
    await builds.work_once()
    tried = await desk.upload(manager, jumped.id)
    assert (tried.version, tried.against, tried.verdict["verdict"]) == (jumped.version, first, "refuse")
    assert tried.changes["jumps"] == 39
    assert (await desk.lines(manager, jumped.id, "price"))[0]["share"] == 9.0

    assert await desk.activate(manager, jumped.id) == "refused"
    with pytest.raises(Forbidden):
        await desk.activate(manager, jumped.id, force=True)
    current = shelf.current()
    assert current is not None and current.version == first
    assert await desk.activate(administrator, jumped.id, force=True) == "live"
    act = (await desk.history(manager))[0]
    assert (act.who, act.after["forced"]) == ("Boris", True)


async def test_one_suppliers_list_takes_the_place_of_its_own_goods_alone(
    desk: CatalogueDesk, builds: Builds, shelf: Shelf, manager: Staff, tmp_path: Path
) -> None:
    await stocked(shelf, goods(last=11), source="Alpha")
    id = await brought(desk, manager, tmp_path, [("N-5", "Чужой код", 1, 5), ("B-1", "Фен", 1, 1001)])
    await builds.work_once()
    await desk.build(manager, id, how="source", source="Beta", options={"percent": "20", "step": "10"})
    await builds.work_once()
    assert await desk.activate(manager, id) == "live"

    [problem] = [line for line in await desk.lines(manager, id, "problem") if "Alpha" in line["message"]]
    assert ("N-5" in problem["message"], problem["sheet"], problem["row"]) == (True, "Прайс", 2)
    assert await desk.suppliers(manager) == [("Alpha", 10), ("Beta", 1)]
    live = shelf.current()
    assert live is not None
    product = live.product("B-1")
    assert product is not None and product.price == 1200  # 1001 and 20 %, to 10


async def test_a_build_that_is_killed_goes_on_by_itself_and_makes_one_version(
    desk: CatalogueDesk, builds: Builds, store: Store, shelf: Shelf, manager: Staff, tmp_path: Path
) -> None:
    """kill -9 of the building process, and then the death of the worker itself."""
    id = await brought(desk, manager, tmp_path, goods(last=3000))
    await builds.work_once()
    await desk.build(manager, id)
    async with Tasks() as tasks:
        working = tasks.start(builds.work_once(), name="first")
        os.kill(await _working_process(tmp_path), signal.SIGKILL)
        await working
    upload = await desk.upload(manager, id)
    assert (upload.state, upload.attempts) == ("queued", 1)

    async with Tasks() as tasks:
        dying = tasks.start(builds.run(), name="second")
        process = await _working_process(tmp_path)
        dying.cancel()
        await asyncio.wait([dying])
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert (await desk.upload(manager, id)).state == "working"
    async with Tasks() as tasks:
        tasks.start(builds.run(), name="third")
        async with asyncio.timeout(60):
            while (await desk.upload(manager, id)).under_way:
                await asyncio.sleep(0.1)
    upload = await desk.upload(manager, id)
    assert (upload.state, upload.fault) == ("done", "")
    assert [version.name for version in shelf.versions()] == [upload.version]


async def _working_process(tmp_path: Path) -> int:
    """The process that builds, once it is at work."""
    async with asyncio.timeout(30):
        while (found := await asyncio.to_thread(_building, tmp_path)) is None:
            await asyncio.sleep(0.02)
    return found


def _building(tmp_path: Path) -> int | None:
    if not any((tmp_path / "catalog").glob(".building-*")):
        return None
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"work" in words and b"-I" not in words and any(bytes(tmp_path) in word for word in words):
            return int(file.parent.name)
    return None


async def test_what_cannot_be_read_fails_with_words_and_is_not_tried_again(
    desk: CatalogueDesk, builds: Builds, manager: Staff, home: Path
) -> None:
    id = uuid4()
    await desk.receive(manager, id, "../../Прайс <b>.xlsx", pieces(b"%PDF-1.7 no price list"), lang="ru")
    await builds.work_once()
    upload = await desk.upload(manager, id)
    assert (upload.file, upload.state, upload.attempts) == ("Прайс b .xlsx", "failed", 1)
    assert upload.fault and "Traceback" not in upload.fault
    assert not await builds.work_once()

    shutil.rmtree(home / "uploads" / str(id))
    await desk.read_again(manager, id, {})
    await builds.work_once()
    gone = await desk.upload(manager, id)
    assert (gone.state, gone.fault.startswith("Нет файла Прайс b .xlsx")) == ("failed", True)


async def test_an_upload_that_is_too_large_leaves_nothing_and_the_same_twice_is_one(
    desk: CatalogueDesk, manager: Staff, home: Path
) -> None:
    with pytest.raises(TooLarge):
        await desk.receive(manager, uuid4(), "big.xlsx", pieces(b"x" * (desk.limit + 1), 1 << 16), lang="en")
    assert list((home / "uploads").glob("*")) == []
    id = uuid4()
    for _ in range(2):
        await desk.receive(manager, id, "list.csv", pieces(b"sku;name;price\n"), lang="en")
    assert [upload.id for upload in await desk.uploads(manager)] == [id]


async def test_bad_rows_are_handed_out_as_a_workbook_in_which_no_cell_is_a_formula(
    desk: CatalogueDesk, builds: Builds, manager: Staff, tmp_path: Path
) -> None:
    rows = [HEADER, *goods(), ("N-50", "=HYPERLINK('http://evil.example')", 5, "не число"), ("N-7", "@SUM(1)", 5, 7)]
    id = uuid4()
    await desk.receive(manager, id, "list.csv", pieces(books.text(tmp_path / "l.csv", rows).read_bytes()), lang="ru")
    await builds.work_once()
    book = openpyxl.load_workbook(io.BytesIO((await desk.bad_rows(manager, id)).read_bytes()))
    cells = [cell for row in book.active.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert [cell for cell in cells if str(cell.value).startswith(("=HYPERLINK", "@SUM")) and cell.quotePrefix]


async def test_customers_may_do_nothing_here(desk: CatalogueDesk) -> None:
    stranger = Staff(id=uuid4(), name="x", role=Role.CUSTOMER)
    for call in (desk.uploads(stranger), desk.roll_back(stranger), desk.activate(stranger, uuid4())):
        with pytest.raises(Forbidden):
            await call


@pytest.mark.parametrize(
    ("name", "safe"),
    [("a/b\\c.xlsx", "c.xlsx"), ("..", "list"), ("", "list"), ("п" * 300 + ".xlsx", "п" * 100 + ".xlsx")],
)
def test_a_files_name_is_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe
