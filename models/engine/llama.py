"""llama.cpp's C functions, through llama-cpp-python, as two objects: a decoder of many sequences, and a grammar.

The package's own `Llama` answers one chat after another; what decodes several in one batch are its low-level functions
(`llama_decode`, `llama_memory_seq_cp`), whose names and meanings are llama.cpp's own (its `include/llama.h`).
"""

from __future__ import annotations

import ctypes
import importlib
import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from models.base import ModelRejected, ModelUnavailable
from models.engine.runtime import RuntimeMissing

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

_ERROR = 4  # GGML_LOG_LEVEL_ERROR (ggml.h)
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # llama_token_data


class Row(NamedTuple):
    """One token of a batch: its place in its sequence, and whether the logits after it are wanted."""

    token: int
    position: int
    sequence: int
    wanted: bool


class Decoder:
    """One loaded model with `sequences` of `context` tokens each in one cache.

    All but `tokenize` and `spell` change the model's state or read it: call them from one thread at a time. `batch` is
    the most rows of one `decode`, of which at most one a sequence may want logits.
    """

    def __init__(
        self, path: Path, *, sequences: int, context: int, batch: int, threads: int, gpu_layers: int = -1
    ) -> None:
        self._lib = lib = library()
        self._model = _model(lib, path, gpu_layers)
        self._vocabulary = lib.llama_model_get_vocab(self._model)
        self._context = _context(lib, self._model, sequences, sequences * context, batch, threads)
        if not self._context:
            lib.llama_model_free(self._model)
            raise ModelRejected(f"{path.name} cannot be used: no context of {context} tokens can be made for it.")
        self._memory = lib.llama_get_memory(self._context)
        self._batch = lib.llama_batch_init(batch, 0, 1)
        self._most = batch
        self.tokens = int(lib.llama_vocab_n_tokens(self._vocabulary))
        self.endings = frozenset(
            token for token in range(self.tokens) if lib.llama_vocab_is_eog(self._vocabulary, token)
        )
        # A state-space model remembers no single tokens: its sequences can be neither cut nor copied in part.
        self.divisible = not (lib.llama_model_is_recurrent(self._model) or lib.llama_model_is_hybrid(self._model))
        self.spell = cache(self._spell)

    def decode(self, rows: Sequence[Row]) -> None:
        """Computes them in one batch; `ModelUnavailable` if the runtime fails, with the state of all of them lost."""
        batch = self._batch
        assert len(rows) <= self._most
        for at, row in enumerate(rows):
            batch.token[at] = row.token
            batch.pos[at] = row.position
            batch.n_seq_id[at] = 1
            batch.seq_id[at][0] = row.sequence
            batch.logits[at] = row.wanted
        batch.n_tokens = len(rows)
        if code := self._lib.llama_decode(self._context, batch):
            raise ModelUnavailable(f"The model's runtime failed to decode (code {code}); it begins anew.")

    def logits(self, at: int) -> NDArray[np.float32]:
        """float32 [tokens]: of row `at` of the last batch, where they were wanted; valid until the next batch."""
        found = self._lib.llama_get_logits_ith(self._context, at)
        return np.ctypeslib.as_array(found, shape=(self.tokens,))

    def cut(self, sequence: int, length: int) -> None:
        """Forgets all but the first `length` tokens of a sequence."""
        if not self._lib.llama_memory_seq_rm(self._memory, sequence, length, -1):
            raise ModelUnavailable("The model's runtime cannot cut a sequence of this model.")

    def copy(self, source: int, target: int, start: int, end: int) -> None:
        """Gives the tokens from `start` to `end` of one sequence to another: cells are shared, nothing is computed."""
        self._lib.llama_memory_seq_cp(self._memory, source, target, start, end)

    def clear(self) -> None:
        """Forgets every sequence."""
        self._lib.llama_memory_clear(self._memory, True)

    def save(self, sequence: int, tokens: Sequence[int], file: Path) -> None:
        """Writes a sequence and the tokens that made it; `ModelUnavailable` if that fails."""
        array = (ctypes.c_int32 * len(tokens))(*tokens)
        if not self._lib.llama_state_seq_save_file(self._context, bytes(file), sequence, array, len(tokens)):
            raise ModelUnavailable(f"What the model has computed cannot be written to {file.parent}; is the disk full?")

    def restore(self, sequence: int, file: Path) -> list[int]:
        """Reads a sequence, and gives the tokens that made it; `ModelUnavailable` where the file is spoilt."""
        most = int(self._lib.llama_n_ctx(self._context))
        array, count = (ctypes.c_int32 * most)(), ctypes.c_size_t(0)
        arguments = self._context, bytes(file), sequence, array, most, ctypes.byref(count)
        if not self._lib.llama_state_seq_load_file(*arguments):
            raise ModelUnavailable(f"{file.name} is no state of this model; it will be computed anew.")
        return list(array[: count.value])

    def tokenize(self, text: str, *, control: bool, first: bool) -> list[int]:
        """See `prompts.Tokenize`. The first token of the model's own is left out where the text begins with it."""
        raw = text.encode()
        first = first and not raw.startswith(self.opening.encode() or b"\0")
        room = len(raw) + 8  # a token has a byte at least, but for the few that a model adds
        tokens = (ctypes.c_int32 * room)()
        count = self._lib.llama_tokenize(self._vocabulary, raw, len(raw), tokens, room, first, control)
        if count < 0:
            raise ModelRejected("The text cannot be made into this model's tokens.")
        return list(tokens[:count])

    @property
    def template(self) -> str:
        """The chat template (Jinja) of the model's file."""
        return (self._lib.llama_model_chat_template(self._model, None) or b"").decode()

    @property
    def opening(self) -> str:
        """The text of the token with which every prompt of this model begins, empty where there is none."""
        return self._special(self._lib.llama_vocab_bos(self._vocabulary))

    @property
    def closing(self) -> str:
        """The text of the token with which an answer ends."""
        return self._special(self._lib.llama_vocab_eos(self._vocabulary))

    def grammar(self, rules: str) -> Grammar:
        """A grammar in GBNF with the rule `root`; `ModelRejected` where it is none."""
        made = self._lib.llama_sampler_init_grammar(self._vocabulary, rules.encode(), b"root")
        if not made:
            raise ModelRejected("The schema makes a grammar that the model's runtime cannot read; simplify it.")
        return Grammar(self._lib, made)

    def close(self) -> None:
        self._lib.llama_batch_free(self._batch)
        self._lib.llama_free(self._context)
        self._lib.llama_model_free(self._model)

    def _spell(self, token: int) -> bytes:
        """The bytes of a token: whole characters or parts of one; none for control tokens."""
        room = 64
        while True:
            text = ctypes.create_string_buffer(room)
            length = self._lib.llama_token_to_piece(self._vocabulary, token, text, room, 0, False)
            if length >= 0:
                return bytes(text.raw[:length])
            room = -length

    def _special(self, token: int) -> str:
        return "" if token < 0 else self._lib.llama_vocab_get_text(self._vocabulary, token).decode(errors="replace")


class Grammar:
    """What may still be written by one generation."""

    def __init__(self, lib: Any, sampler: Any) -> None:
        self._lib, self._sampler = lib, sampler

    def allows(self, tokens: NDArray[np.int32]) -> NDArray[np.bool_]:
        """bool [n]: which of these tokens [n] may come next."""
        candidates = np.zeros(len(tokens), dtype=_CANDIDATE)
        candidates["id"] = tokens
        data = candidates.ctypes.data_as(self._lib.llama_token_data_p)
        array = self._lib.llama_token_data_array(data=data, size=len(tokens), selected=-1, sorted=False)
        self._lib.llama_sampler_apply(self._sampler, ctypes.byref(array))
        return np.asarray(candidates["logit"] == 0.0)

    def accept(self, token: int) -> None:
        """`token`, which the grammar allows, has been written."""
        self._lib.llama_sampler_accept(self._sampler, token)

    def close(self) -> None:
        """Safe twice."""
        sampler, self._sampler = self._sampler, None
        if sampler:
            self._lib.llama_sampler_free(sampler)


@cache
def library() -> Any:
    """The package, loaded and quiet; `RuntimeMissing` where it is not installed or does not fit this machine."""
    try:
        lib = importlib.import_module("llama_cpp")
    except (ImportError, OSError, RuntimeError) as error:  # a library of another machine raises the latter two
        raise RuntimeMissing(
            "The runtime llama-cpp-python is not installed here; install counterman[llama-cpp-python], "
            "or set APPLIANCE_ENGINE_RUNTIME=auto."
        ) from error

    lib.llama_log_set(_listener(lib), ctypes.c_void_p(0))
    lib.llama_backend_init()
    return lib


@cache  # kept for good: llama.cpp calls it until the process ends
def _listener(lib: Any) -> Any:
    def told(level: int, text: bytes, _: object) -> None:
        if level == _ERROR:
            log.error("%s", text.decode(errors="replace").rstrip())

    return lib.llama_log_callback(told)


def _model(lib: Any, path: Path, gpu_layers: int) -> Any:
    wanted = lib.llama_model_default_params()
    wanted.n_gpu_layers = 0x7FFFFFFF if gpu_layers < 0 else gpu_layers
    if not (model := lib.llama_model_load_from_file(bytes(path), wanted)):
        raise ModelRejected(
            f"{path.name} cannot be loaded: it is broken, or of a kind that this runtime does not know. "
            "`appliance models check NAME` tells which."
        )
    return model


def _context(lib: Any, model: Any, sequences: int, tokens: int, batch: int, threads: int) -> Any:
    wanted = lib.llama_context_default_params()
    wanted.n_ctx, wanted.n_seq_max = tokens, sequences
    wanted.n_batch = wanted.n_ubatch = batch
    wanted.n_threads = wanted.n_threads_batch = threads
    wanted.kv_unified = True  # one cache for all: a beginning that many share is a mark on its cells
    wanted.swa_full = True  # else a model with a sliding window (Gemma 3) cannot continue an older beginning
    wanted.no_perf = True
    if hasattr(wanted, "n_outputs_max"):  # room for logits: 0.6 MB a row with a vocabulary of 150,000
        wanted.n_outputs_max = sequences
    return lib.llama_init_from_model(model, wanted)
