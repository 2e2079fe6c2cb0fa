"""The pure parts of the batched runtime: what is chosen, what is shown, what is known already, which schemas hold."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from models.base import ModelRejected
from models.engine.sampling import Manner, Sampler
from models.engine.seats import Seats
from models.engine.writing import Writing
from tests.models_kit import installed

LOGITS = np.array([0.0, 5.0, 4.0, 3.0, -2.0, 4.9], dtype=np.float32)
GREEDY = Manner(temperature=0.0)


class Only:
    """A grammar that allows these tokens; it counts what it is asked about."""

    def __init__(self, *tokens: int) -> None:
        self._tokens = np.array(tokens)
        self.asked = 0

    def allows(self, tokens: NDArray[np.int32]) -> NDArray[np.bool_]:
        self.asked += len(tokens)
        return np.isin(tokens, self._tokens)


def sampler(manner: Manner, rule: Only | None = None, endings: Iterable[int] = ()) -> Sampler:
    return Sampler(manner, rule=rule, endings=frozenset(endings))


class TestSampling:
    def test_without_temperature_the_likeliest_comes(self) -> None:
        assert sampler(GREEDY).choose(LOGITS) == 1

    def test_a_grammar_has_the_likeliest_of_what_it_allows(self) -> None:
        assert sampler(GREEDY, Only(0, 3, 4)).choose(LOGITS) == 3

    def test_a_grammar_is_asked_about_few_tokens_when_the_likeliest_is_allowed(self) -> None:
        rule = Only(7)
        logits = np.zeros(50_000, dtype=np.float32)
        logits[7] = 1.0
        assert sampler(GREEDY, rule).choose(logits) == 7
        assert rule.asked == 1

    def test_the_least_likely_token_is_found_where_it_alone_is_allowed(self) -> None:
        logits = np.linspace(1, 0, 50_000, dtype=np.float32)
        assert sampler(GREEDY, Only(49_999)).choose(logits) == 49_999

    def test_a_grammar_that_allows_nothing_ends_the_answer(self) -> None:
        assert sampler(GREEDY, Only()).choose(LOGITS) is None

    def test_chance_keeps_to_the_likely_and_repeats_with_its_seed(self) -> None:
        manner = Manner(temperature=1.0, top_k=3, seed=4)
        first = [sampler(manner).choose(LOGITS) for _ in range(3)]
        one, other = sampler(manner), sampler(manner)
        drawn = [one.choose(LOGITS) for _ in range(50)]
        assert len(set(first)) == 1
        assert drawn == [other.choose(LOGITS) for _ in range(50)]
        assert set(drawn) == {1, 2, 5}

    def test_what_is_far_less_likely_than_the_first_never_comes(self) -> None:
        narrow = sampler(Manner(temperature=2.0, min_p=0.5, top_p=1.0, seed=1))
        assert {narrow.choose(LOGITS) for _ in range(60)} == {1, 5}

    def test_what_was_written_gives_way_when_repeating_is_penalised(self) -> None:
        penalised = sampler(Manner(temperature=0.0, frequency_penalty=2.0))
        penalised.written(1)
        assert penalised.choose(LOGITS) == 5
        assert LOGITS[1] == 5.0

    def test_endings_can_be_ignored(self) -> None:
        assert sampler(Manner(temperature=0.0, ignore_eos=True), endings=[1]).choose(LOGITS) == 5

    @pytest.mark.parametrize(
        "options", [{"temperature": "hot"}, {"top_k": None}, {"seed": True}, {"min_p": float("nan")}, {"mood": 1}]
    )
    def test_a_senseless_option_is_refused(self, options: dict[str, object]) -> None:
        with pytest.raises(ModelRejected, match="option"):
            Manner.of(options)


class TestWriting:
    def test_a_character_is_shown_when_all_of_its_bytes_are_there(self) -> None:
        writing = Writing()
        assert [writing.add(bytes([byte])) for byte in "ё½".encode()] == ["", "ё", "", "½"]

    def test_a_character_cut_by_the_end_is_left_out(self) -> None:
        writing = Writing()
        assert writing.add("наё".encode()[:-1]) + writing.end() == "на"

    def test_a_stop_text_is_found_across_pieces_and_not_shown(self) -> None:
        writing = Writing(["STOP"])
        assert "".join(map(writing.add, (b"one S", b"TO", b"P two"))) == "one "
        assert writing.stopped
        assert writing.end() == ""

    def test_what_only_looked_like_a_stop_text_is_shown(self) -> None:
        writing = Writing(["STOP"])
        assert [writing.add(b"one ST"), writing.add(b"ep"), writing.add(b"S"), writing.end()] == [
            "one ",
            "STep",
            "",
            "S",
        ]

    def test_the_first_of_several_stop_texts_counts(self) -> None:
        assert Writing(["c", "b"]).add(b"abc") == "a"


class TestSharedSeats:
    async def test_what_one_slot_reads_no_other_has_to_compute(self) -> None:
        seats = Seats(2, queue=0, shares=True)
        async with seats.take([1, 2, 3, 4, 5], limit=1) as one, seats.take([1, 2, 3, 9], limit=1) as other:
            assert (one.fresh, other.fresh) == (5, 1)

    async def test_where_each_slot_has_its_own_cache_it_has_to(self) -> None:
        seats = Seats(2, queue=0)
        async with seats.take([1, 2, 3, 4, 5], limit=1), seats.take([1, 2, 3, 9], limit=1) as other:
            assert other.fresh == 4


class TestGrammar:
    @pytest.fixture(autouse=True)
    def _runtime(self) -> None:
        installed("llama-cpp-python")

    @pytest.mark.parametrize(
        ("schema", "word"),
        [
            ({"type": "integer", "minimum": 3}, "minimum"),
            ({"type": "array", "items": {"not": {"type": "string"}}}, "not"),
            ({"type": "string", "format": "email"}, "email"),
            ({"type": "string", "pattern": "abc"}, "grammar"),
            ({"type": "string", "pattern": '^say "x"$'}, "pattern"),
            ({"type": "string", "pattern": "^(a|b)*$", "maxLength": 5}, "length"),
        ],
    )
    def test_what_cannot_be_held_is_refused_by_name(self, schema: dict[str, object], word: str) -> None:
        from models.engine import grammar

        with pytest.raises(ModelRejected, match=word):
            grammar.rules(schema)

    def test_a_property_may_be_called_like_a_keyword(self) -> None:
        from models.engine import grammar

        assert "minimum" in grammar.rules({"type": "object", "properties": {"minimum": {"type": "integer"}}})

    def test_russian_is_written_as_itself(self) -> None:
        from models.engine import grammar

        assert '"\\"насос\\""' in grammar.rules({"enum": ["насос", "pump"]})

    def test_no_class_of_a_pattern_lets_out_what_json_has_to_escape(self) -> None:
        from models.engine import grammar

        rules = grammar.rules({"type": "string", "pattern": "^[^0-9]*[ -~].$"})
        bare = rules.replace('"\\""', "").split("root ::=")[1].splitlines()[0]
        assert '"' not in bare and "\\\\" not in bare
        assert all(
            f"\\U000000{low}-\\U000000{high}" in bare for low, high in (("20", "21"), ("23", "2F"), ("3A", "5B"))
        )

    def test_a_length_beside_a_pattern_counts(self) -> None:
        from models.engine import grammar

        longer = grammar.rules({"type": "string", "pattern": "^[a-z]*$", "maxLength": 7})
        assert longer.count("root-1") == 7 + 1
