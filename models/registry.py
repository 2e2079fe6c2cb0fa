"""A provider's name, and plain values from the settings, become the object behind a port."""

from __future__ import annotations

from typing import Any

from models.base import LLM, Embedder, ModelRejected


def llm(provider: str, **values: Any) -> LLM:
    """`engine` and `openai` take what `OpenAIChat` knows, `ollama` and `scripted` what their classes know."""
    match provider:
        case "engine" | "openai":
            from models.openai_api import OpenAIChat

            return OpenAIChat(**values)
        case "ollama":
            from models.ollama import OllamaChat

            return OllamaChat(**values)
        case "scripted":
            from models.scripted import ScriptedLLM

            return ScriptedLLM(**values)
        case _:
            raise ModelRejected(f"There is no model provider {provider!r}; choose engine, openai, ollama or scripted.")


def embedder(provider: str, **values: Any) -> Embedder:
    """`packaged` is the multilingual model that comes with the appliance, `e5` a finer and slower one (extra).

    `sentence-transformers` (extra), `ollama` and `openai` take a `model`, the last two a `base_url` as well.
    """
    match provider:
        case "packaged":
            from models.packaged import PackagedEmbedder

            return PackagedEmbedder(**values)
        case "e5":
            from models.e5 import E5Embedder

            return E5Embedder(**values)
        case "sentence-transformers":
            from models.sentence import SentenceEmbedder

            return SentenceEmbedder(**values)
        case "openai":
            from models.openai_embed import OpenAIEmbedder

            return OpenAIEmbedder(**values)
        case "ollama":
            from models.ollama_embed import OllamaEmbedder

            return OllamaEmbedder(**values)
        case _:
            raise ModelRejected(
                f"There is no embedding provider {provider!r}; choose packaged, e5, sentence-transformers, openai or "
                "ollama."
            )
