"""Which rung an answer is given from, and how large a prompt there is time for."""

from __future__ import annotations

from appliance.core.ladder import Choice, choose
from appliance.core.types import Rung
from models.base import Outlook

BOX = Outlook(queue=0.0, reading=40.0, writing=16.0)  # two cores and the default model


def chosen(outlook: Outlook | None, *, prompts: tuple[float, ...] = (160, 100, 60), **more: float) -> Choice:
    wanted = {"sentence": 32.0, "longest": 90, "patience": 8.0, **more}
    return choose(outlook, prompts=prompts, **wanted)  # type: ignore[arg-type]


def test_prose_when_its_first_sentence_can_be_finished_in_time() -> None:
    choice = chosen(BOX)
    assert (choice.rung, choice.prompt) == (Rung.PROSE, 0)
    assert choice.seconds == 160 / 40 + 32 / 16


def test_a_shorter_prompt_where_only_that_makes_prose_possible() -> None:
    slower = Outlook(queue=0.0, reading=20.0, writing=16.0)
    assert chosen(slower).prompt == 1
    assert chosen(slower, prompts=(160, 121)).rung is Rung.TEMPLATE


def test_the_answer_gets_as_many_tokens_as_there_is_time_for() -> None:
    assert chosen(BOX).limit == 64  # four seconds are left after the prompt
    assert chosen(BOX, longest=50).limit == 50


def test_a_template_when_the_customer_would_wait_too_long() -> None:
    assert chosen(Outlook(queue=7.0, reading=40.0, writing=16.0)).rung is Rung.TEMPLATE
    assert chosen(BOX, patience=2.0).rung is Rung.TEMPLATE


def test_a_template_when_no_model_can_be_asked() -> None:
    assert chosen(None).rung is Rung.TEMPLATE


def test_the_form_when_there_is_nothing_to_show_either() -> None:
    assert choose(None, prompts=(), sentence=1, longest=1, patience=8, content=False).rung is Rung.FORM


def test_who_had_prose_of_late_lets_others_through_where_there_is_a_queue() -> None:
    queue = Outlook(queue=2.0, reading=40.0, writing=16.0)
    assert chosen(queue, prompts=(100,)).rung is Rung.PROSE
    assert chosen(queue, prompts=(100,), had=3).rung is Rung.TEMPLATE
    assert chosen(BOX, prompts=(100,), had=3).rung is Rung.PROSE  # nobody else is there
