"""Which rung an answer is given from."""

from __future__ import annotations

from datetime import timedelta

from appliance.core.ladder import choose
from appliance.core.types import Rung

WRITING = timedelta(seconds=3)


def test_prose_when_it_can_be_finished_in_time() -> None:
    assert choose(timedelta(seconds=2), expected=WRITING) is Rung.PROSE
    assert choose(timedelta(seconds=5), expected=WRITING) is Rung.PROSE  # eight seconds, to the very second


def test_a_template_when_the_customer_would_wait_too_long() -> None:
    assert choose(timedelta(seconds=5.1), expected=WRITING) is Rung.TEMPLATE
    assert choose(timedelta(seconds=1), expected=WRITING, patience=timedelta(seconds=2)) is Rung.TEMPLATE


def test_a_template_when_no_model_can_be_asked() -> None:
    assert choose(None, expected=WRITING) is Rung.TEMPLATE


def test_the_form_when_there_is_nothing_to_show_either() -> None:
    assert choose(None, expected=WRITING, content=False) is Rung.FORM
    assert choose(timedelta(seconds=1), expected=WRITING, content=False) is Rung.PROSE
