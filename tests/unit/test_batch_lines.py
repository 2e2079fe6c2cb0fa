"""What the doors for judging in bulk make of a file: its objects, or a refusal by the number of the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.commands.output import read_lines
from appliance.errors import Refused


def _file(folder: Path, text: str) -> Path:
    path = folder / "in.jsonl"
    path.write_text(text, encoding="utf-8")
    return path


def test_empty_lines_and_a_byte_order_mark_are_no_objects(tmp_path: Path) -> None:
    assert list(read_lines(_file(tmp_path, '\ufeff{"id": 1}\n\n{"id": 2}\n'), "id")) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("second", "why"),
    [("{", "line 2 is not JSON"), ("[]", "line 2 is not a JSON object"), ('{"id": 2}', "line 2 lacks 'query'")],
)
def test_a_line_that_cannot_be_judged_is_refused_by_its_number(tmp_path: Path, second: str, why: str) -> None:
    lines = read_lines(_file(tmp_path, f'{{"id": 1, "query": "pump"}}\n{second}\n'), "query")
    assert next(lines)["query"] == "pump"
    with pytest.raises(Refused, match=why):
        next(lines)


def test_a_file_that_is_not_there_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"absent\.jsonl cannot be read"):
        list(read_lines(tmp_path / "absent.jsonl"))
