"""The small parts beneath the models: seats and their queue, shared beginnings, event streams, headers, hardware."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from models import hardware
from models.base import ModelBusy, ModelError, ModelMissing, ModelRejected, ModelTooLarge, ModelUnavailable, Turn
from models.documents import check, example
from models.engine import check_fit
from models.engine.prefixes import KEPT, Prefixes
from models.engine.seats import Seats
from models.gguf import read
from models.hardware import GIB, Gpu, Hardware
from models.known import default, known
from models.registry import embedder, llm
from models.scripted import ScriptedLLM
from models.sse import events
from tests.models_kit import tiny_gguf

BOX = Hardware(
    processor="some",
    cores=2,
    memory=24 * GIB,
    available=20 * GIB,
    disk_free=100 * GIB,
    features=frozenset({"avx2"}),
    gpus=(),
)


class TestSeats:
    async def test_the_slot_that_knows_most_of_the_prompt_is_taken(self) -> None:
        seats = Seats(3, queue=0)
        async with seats.take([1, 2, 3], limit=1) as first:
            first.holds = [1, 2, 3, 4]
            async with seats.take([9], limit=1) as other:
                other.holds = [9, 9]

        async with seats.take([1, 2, 3, 4, 5], limit=1) as again:
            assert again is first
            assert again.fresh == 1

    async def test_a_prompt_that_is_known_whole_still_computes_its_last_token(self) -> None:
        seats = Seats(1, queue=0)
        async with seats.take([1, 2], limit=1) as seat:
            seat.holds = [1, 2, 3]

        async with seats.take([1, 2], limit=1) as seat:
            assert seat.fresh == 1

    async def test_among_strangers_the_slot_unused_for_longest_is_taken(self) -> None:
        now = iter(range(100))
        seats = Seats(2, queue=0, clock=lambda: float(next(now)))
        async with seats.take([1], limit=1) as first, seats.take([2], limit=1) as second:
            first.holds, second.holds = [1], [2]

        async with seats.take([3], limit=1) as third:
            assert third is first

    async def test_those_who_wait_come_in_turn(self) -> None:
        seats, order = Seats(1, queue=5), list[int]()

        async def one(number: int) -> None:
            async with seats.take([number], limit=1):
                order.append(number)
                await asyncio.sleep(0)

        await asyncio.gather(*map(one, range(5)))

        assert order == [0, 1, 2, 3, 4]

    async def test_a_full_queue_refuses_and_says_when_to_come_again(self) -> None:
        seats = Seats(1, queue=1)
        async with seats.take([1] * 100, limit=100), asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(_hold(seats))
            await asyncio.sleep(0)

            with pytest.raises(ModelBusy) as refused:
                async with seats.take([3], limit=1):
                    pass

            assert timedelta(seconds=1) <= refused.value.retry_after < timedelta(minutes=1)
            waiting.cancel()

    async def test_who_leaves_the_queue_leaves_no_gap(self) -> None:
        seats = Seats(1, queue=2)
        async with asyncio.TaskGroup() as tasks, seats.take([1], limit=1):
            impatient, patient = tasks.create_task(_hold(seats)), tasks.create_task(_hold(seats))
            await asyncio.sleep(0)
            impatient.cancel()
            await asyncio.sleep(0)
            assert seats.waiting == 1
        assert patient.done() and not patient.cancelled()
        assert (seats.busy, seats.waiting) == (0, 0)

    async def test_who_is_cancelled_in_the_moment_of_his_turn_gives_the_slot_on(self) -> None:
        seats = Seats(1, queue=2)
        async with asyncio.TaskGroup() as tasks:
            async with seats.take([1], limit=1):
                unlucky, next_one = tasks.create_task(_hold(seats)), tasks.create_task(_hold(seats))
                await asyncio.sleep(0)
            unlucky.cancel()  # its slot is already given to it, and it has not yet heard
        assert next_one.done() and not next_one.cancelled()
        assert (seats.busy, seats.waiting) == (0, 0)

    async def test_the_predicted_wait_grows_with_the_queue_and_shrinks_with_progress(self) -> None:
        seats = Seats(1, queue=9)
        idle = seats.outlook().queue
        async with asyncio.TaskGroup() as tasks:
            async with seats.take([1] * 200, limit=100) as seat:
                busy = seats.outlook().queue
                seat.computed = 150
                progressed = seats.outlook().queue
                waiting = tasks.create_task(_hold(seats))
                await asyncio.sleep(0)
                queued = seats.outlook().queue
            await waiting
        assert idle == 0 < progressed < busy
        assert queued > progressed

    async def test_the_writing_speed_follows_the_latest_tokens_and_is_kept_by_how_many_write(self) -> None:
        pace = Seats(4, queue=0).pace
        for _ in range(40):
            pace.wrote(1, 0.05, beside=1)
        assert pace.writing(1) == pytest.approx(20)
        assert pace.writing(4) == pytest.approx(5)  # unseen: as if four shared what one has

        for _ in range(200):
            pace.wrote(1, 0.1, beside=4)
        for _ in range(200):
            pace.wrote(1, 0.5, beside=1)

        assert pace.writing(4) == pytest.approx(10)
        assert pace.writing(1) == pytest.approx(2, rel=0.1)
        assert pace.slowed

    async def test_a_prompt_that_cannot_be_read_in_time_is_refused_and_what_is_known_of_it_counts(self) -> None:
        seats = Seats(1, queue=4)
        prompt = list(range(500))  # ten seconds at the guessed speed
        with pytest.raises(ModelBusy, match="first word"):
            seats.check_time(prompt, kept=0, within=5)
        seats.check_time(prompt, kept=400, within=5)
        async with seats.take(prompt, limit=1) as seat:
            seat.holds = prompt
        seats.check_time([*prompt, 7], kept=0, within=5)

    async def test_prompts_computed_side_by_side_are_measured_together(self) -> None:
        """Two prompts of 320 tokens, a batch of 32 each second, alternating: 32 tokens a second, not 16."""
        now = [0.0]
        seats = Seats(2, queue=0, clock=lambda: now[0])
        async with seats.take([1] * 320, limit=9) as one, seats.take([2] * 320, limit=9) as two:
            seats.computed(one, 0)
            seats.computed(two, 0)
            for batch in range(1, 11):
                for seat in (one, two):
                    now[0] += 1
                    seats.computed(seat, 32 * batch)

        assert seats.pace.reading.value == pytest.approx(32, rel=0.05)

    async def test_idle_time_is_not_taken_for_slowness(self) -> None:
        now = [0.0]
        seats = Seats(1, queue=0, clock=lambda: now[0])
        for attempt in range(3):
            now[0] += 1000
            async with seats.take([attempt] * 64, limit=9) as seat:
                for done in (0, 32, 64):
                    seats.computed(seat, done)
                    now[0] += 1

        assert seats.pace.reading.value == pytest.approx(32, rel=0.05)


async def _hold(seats: Seats) -> None:
    async with seats.take([2], limit=1):
        await asyncio.sleep(0)


class TestPrefixes:
    SYSTEM = Turn(role="system", text="You sell pumps.")

    def chat(self, *texts: str) -> list[Turn]:
        return [self.SYSTEM, *(Turn(role="user", text=text) for text in texts)]

    def test_a_beginning_that_three_different_turns_follow_is_shared(self, tmp_path: Path) -> None:
        prefixes = Prefixes(tmp_path, identity="m")

        assert [prefixes.notice(self.chat(text)) for text in ("a", "a", "b", "b", "c")] == [0, 0, 0, 0, 1]

    def test_one_customers_growing_history_is_not(self, tmp_path: Path) -> None:
        prefixes = Prefixes(tmp_path, identity="m")

        assert [prefixes.notice(self.chat(*"abcdefgh"[:length])) for length in range(1, 9)] == [0] * 8

    def test_kept_beginnings_are_found_after_a_restart_longest_first(self, tmp_path: Path) -> None:
        prefixes = Prefixes(tmp_path, identity="m")
        for length in (50, 80):
            place = prefixes.place(range(length))
            assert place
            place.file.write_bytes(b"state")
            prefixes.add(place)

        again = Prefixes(tmp_path, identity="m")
        best = again.best(list(range(100)))

        assert best and len(best.tokens) == 80
        assert again.best([5, 6, 7]) is None
        assert Prefixes(tmp_path, identity="another model").best(list(range(100))) is None

    def test_only_a_few_are_kept_and_the_unused_one_goes(self, tmp_path: Path) -> None:
        prefixes = Prefixes(tmp_path, identity="m")
        for start in range(KEPT + 1):
            place = prefixes.place(range(start, start + 60))
            assert place
            place.file.write_bytes(b"state")
            prefixes.add(place)
            prefixes.best(list(range(60)))  # the first one is in use all the time

        assert prefixes.best(list(range(60)))
        assert prefixes.best(list(range(1, 61))) is None
        assert len(list(tmp_path.rglob("*.state"))) == KEPT

    def test_a_short_beginning_is_not_worth_keeping(self, tmp_path: Path) -> None:
        assert Prefixes(tmp_path, identity="m").place(range(10)) is None


class TestEvents:
    async def read(self, *chunks: bytes) -> list[object]:
        async def body() -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

        return [event async for event in events(body())]

    async def test_events_may_be_cut_anywhere_even_within_a_character(self) -> None:
        whole = 'data: {"a": "насос"}\n\n: still here\n\ndata: {"b": 1}\r\n\r\ndata: [DONE]\n\n'.encode()

        for at in range(len(whole)):
            assert await self.read(whole[:at], whole[at:]) == [{"a": "насос"}, {"b": 1}]

    async def test_line_separators_within_a_text_end_no_event(self) -> None:
        assert await self.read('data: {"a": "x\u2028y\u0085z"}\n'.encode()) == [{"a": "x\u2028y\u0085z"}]

    async def test_nothing_after_done_is_read(self) -> None:
        assert await self.read(b"data: [DONE]\n", b"data: nonsense\n") == []

    async def test_what_is_no_json_is_an_error(self) -> None:
        with pytest.raises(ValueError):
            await self.read(b"data: <html>\n")


SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["a", "b"]},
        "count": {"type": "integer", "minimum": 3},
        "names": {"type": "array", "items": {"type": "string", "minLength": 2}, "minItems": 2},
        "either": {"anyOf": [{"const": 7}, {"type": "null"}]},
        "yes": {"type": "boolean"},
    },
    "required": ["kind", "count", "names", "either", "yes"],
}


class TestDocuments:
    def test_an_example_obeys_its_schema(self) -> None:
        jsonschema.validate(example(SCHEMA), SCHEMA)

    @pytest.mark.parametrize("text", ["", "{", '{"kind": "c"}', "5", '{"kind": "a"} and more'])
    def test_what_disobeys_is_an_error(self, text: str) -> None:
        with pytest.raises(ModelError, match="hold to the schema"):
            check(text, SCHEMA, cut=False)


class TestScripted:
    ASK = (Turn(role="user", text="один два три"),)

    async def test_lines_are_said_in_turn_and_errors_raised(self) -> None:
        model = ScriptedLLM(["hello there", ModelUnavailable("down")])

        assert [piece async for piece in model.stream(self.ASK)] == ["hello", " there"]
        with pytest.raises(ModelUnavailable, match="down"):
            [piece async for piece in model.stream(self.ASK)]
        assert model.asked == [self.ASK, self.ASK]

    async def test_a_function_sees_turns_and_schema(self) -> None:
        model = ScriptedLLM(lambda turns, schema: f'"{turns[-1].text[:4]}"')

        pieces = [piece async for piece in model.stream(self.ASK, schema={"type": "string"})]

        assert "".join(pieces) == '"один"'

    async def test_a_script_that_breaks_the_schema_is_found_out(self) -> None:
        with pytest.raises(ModelError, match="hold to the schema"):
            [piece async for piece in ScriptedLLM(["no json"]).stream(self.ASK, schema={"type": "string"})]


class TestGguf:
    def test_the_memory_is_the_file_the_cache_and_the_program(self, tmp_path: Path) -> None:
        path = tmp_path / "tiny.gguf"
        path.write_bytes(tiny_gguf())

        header = read(path)

        assert (header.name, header.trained_context, header.has_chat) == ("Tiny", 512, True)
        # 2 layers x 2 key-value heads x (16 + 16) values x 2 bytes
        assert header.cache_per_token == 256
        assert header.memory(slots=4, context=100) - header.memory(slots=2, context=100) == 2 * 100 * 256

    def test_a_cut_header_is_refused_wherever_it_is_cut(self, tmp_path: Path) -> None:
        path, whole = tmp_path / "cut.gguf", tiny_gguf(padding=0)
        for at in range(0, len(whole), 7):
            path.write_bytes(whole[:at])
            with pytest.raises(ModelRejected, match="fetch it again"):
                read(path)


class TestFit:
    def test_a_model_that_is_not_there_says_how_to_get_it(self, tmp_path: Path) -> None:
        with pytest.raises(ModelMissing, match="appliance models pull"):
            check_fit(tmp_path / "none.gguf")

    def test_a_model_that_does_not_fit_says_what_to_do(self, tmp_path: Path) -> None:
        path = tmp_path / "tiny.gguf"
        path.write_bytes(tiny_gguf())

        assert check_fit(path, available=GIB)
        with pytest.raises(ModelTooLarge, match="choose a smaller model"):
            check_fit(path, available=GIB // 8)

    @pytest.mark.parametrize(
        ("box", "name"),
        [
            (BOX, "qwen2.5-coder-1.5b"),
            (replace(BOX, available=4 * GIB), "qwen2.5-coder-0.5b"),
            (replace(BOX, cores=1), "qwen2.5-coder-0.5b"),
            (replace(BOX, cores=16), "qwen3-4b"),
            (replace(BOX, cores=32, available=60 * GIB), "qwen3-30b-a3b"),
            (replace(BOX, gpus=(Gpu(name="some", memory=12 * GIB, free=11 * GIB),)), "qwen3-8b"),
            (replace(BOX, gpus=(Gpu(name="some", memory=24 * GIB, free=23 * GIB),)), "qwen3-30b-a3b"),
        ],
    )
    def test_each_box_begins_with_the_model_that_suits_it(self, box: Hardware, name: str) -> None:
        assert default(box).name == name

    def test_the_default_always_fits_the_box_it_is_chosen_for(self) -> None:
        for cores in (1, 2, 4, 8, 16, 64):
            for gib in (2, 4, 8, 16, 32, 64):
                box = replace(BOX, cores=cores, available=gib * GIB)
                assert default(box).fit(box) == "good", box

    def test_the_fit_is_told_for_each_box(self) -> None:
        models = {model.name: model for model in known()}
        assert models["qwen2.5-coder-1.5b"].fit(BOX) == "good"
        assert models["qwen3-8b"].fit(BOX) == "slow"
        assert models["qwen3-30b-a3b"].fit(replace(BOX, available=8 * GIB)) == "too large"

    def test_every_known_model_can_be_had_and_verified(self) -> None:
        for model in known():
            assert model.hub or model.package
            assert model.sha256 or model.hub, f"{model.name}: nobody vouches for it"
            assert model.package is None or model.sha256, f"{model.name}: packages are trusted by checksum alone"
            assert model.memory > model.size
            assert model.languages


class TestHardware:
    def test_this_box_has_what_a_box_has(self) -> None:
        box = hardware.detect()

        assert box.cores >= 1
        assert 0 < box.available <= box.memory
        assert box.disk_free > 0

    def test_a_control_groups_limit_counts_where_it_is_smaller(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "memory.max").write_text(f"{2 * GIB}\n")
        (tmp_path / "memory.current").write_text(f"{1 * GIB}\n")
        (tmp_path / "memory.stat").write_text(f"inactive_file {GIB // 2}\nanon 5\n")
        (tmp_path / "cpu.max").write_text("150000 100000\n")
        monkeypatch.setattr(hardware, "_control_groups", lambda: [tmp_path])

        assert hardware.memory() == (2 * GIB, GIB + GIB // 2)
        assert hardware.cores() == 1

    def test_cards_are_read_from_the_drivers_own_tool(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text("#!/bin/sh\necho 'NVIDIA RTX 4090, 24564, 23010'\necho 'NVIDIA Odd, [N/A], [N/A]'\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

        assert hardware.detect().gpus == (Gpu(name="NVIDIA RTX 4090", memory=24564 << 20, free=23010 << 20),)

    def test_no_driver_means_no_cards(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))

        assert hardware.detect().gpus == ()


def test_an_unknown_provider_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelRejected, match="engine, openai, ollama or scripted"):
        llm("gpt")
    with pytest.raises(ModelRejected, match="choose packaged"):
        embedder("gpt")


async def test_a_provider_becomes_an_object() -> None:
    made = llm("engine", base_url="http://127.0.0.1:9/v1", model="m")
    assert made.name == "m"
    await made.close()
    assert llm("scripted").name == "scripted"
