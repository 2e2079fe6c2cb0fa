"""`appliance models`: what it says, what it refuses, and what it leaves as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from models.files import ModelFiles
from tests.models_kit import tiny_gguf
from tests.ollama_house import ollama_house

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command in a home of its own: its exit code and all that it said."""
    from appliance.__main__ import main

    monkeypatch.setenv("APPLIANCE_HOME", str(tmp_path / "home"))

    def run(*arguments: str, **env: str) -> tuple[int, str]:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        code = main(["models", *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def files(tmp_path: Path) -> ModelFiles:
    """Two imported models, the first of them chosen."""
    files = ModelFiles(tmp_path / "home" / "models")
    for name in ("one", "two"):
        (tmp_path / f"{name}.gguf").write_bytes(tiny_gguf())
        files.import_file(tmp_path / f"{name}.gguf")
    files.use("one")
    return files


def test_the_list_tells_how_imported_models_fit_too(run: Run, files: ModelFiles) -> None:
    _, said = run("list", "--json")

    entries = {entry["name"]: entry for entry in json.loads(said)["models"]}
    assert entries["one"]["chosen"] and entries["one"]["fit"] == "good" and entries["one"]["room"]
    assert entries["qwen3-30b-a3b"]["fit"] in ("good", "slow", "too large")


def test_a_model_that_does_not_even_load_is_not_used(run: Run, files: ModelFiles) -> None:
    code, said = run("use", "two")

    assert code == 1 and "does not load" in said
    assert files.chosen() == "one"


def test_a_model_that_no_memory_holds_is_refused_before_it_is_tried(
    run: Run, files: ModelFiles, tmp_path: Path
) -> None:
    (tmp_path / "huge.gguf").write_bytes(tiny_gguf(blocks=1 << 30))
    run("import", str(tmp_path / "huge.gguf"))

    code, said = run("use", "huge")

    assert code == 1 and "GiB" in said and "smaller model" in said
    assert files.chosen() == "one"


def test_who_answers_since_when_can_be_read(run: Run, files: ModelFiles) -> None:
    run("use", "two", "--untested")
    files.give_back("two", "it writes nonsense")

    _, said = run("switches")

    assert "returned: it writes nonsense" in said.splitlines()[-1]


def test_the_choice_is_the_settings_where_they_name_a_model(run: Run, files: ModelFiles) -> None:
    code, said = run("use", "two", APPLIANCE_MODEL="one")

    assert code == 1 and "APPLIANCE_MODEL" in said


def test_of_ollama_the_same_words_ask_its_server(run: Run) -> None:
    with ollama_house(on_cards=0.5) as house:
        house.loaded.add("qwen3:4b")
        env = {
            "APPLIANCE_LLM_PROVIDER": "ollama",
            "APPLIANCE_MODEL": "qwen3:4b",
            "APPLIANCE_ENGINE_URL": house.url,
        }
        assert "loaded, 50% on graphics cards" in run("list", **env)[1]

        assert run("pull", "qwen3:8b")[0] == 0
        assert "qwen3:8b" in json.loads(run("list", "--json")[1])["models"][-1]["name"]
        assert run("delete", "qwen3:8b")[0] == 0
        code, said = run("pull", "nobody:1b")
        assert code == 1 and "does not exist" in said


def test_a_model_on_another_server_is_tested_where_it_runs(run: Run) -> None:
    with ollama_house() as house:  # the double says the first of the SKUs and a letter, which is no answer
        code, said = run(
            "test",
            "--json",
            APPLIANCE_LLM_PROVIDER="ollama",
            APPLIANCE_MODEL="qwen3:4b",
            APPLIANCE_ENGINE_URL=house.url,
        )

    told = json.loads(said)
    assert code == 1 and told["asked"] == 4 and not told["passed"] and "rightly" in told["why"]
