"""Lets libFuzzer look for inputs that break one target; a process of its own: `_atheris.py TARGET FOLDER SECONDS`."""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["catalog"]):
    from tests.hostile import TEXTS, import_bytes


def main(target: str, folder: str, seconds: str) -> None:
    def text(data: bytes) -> None:
        TEXTS[target](data.decode("utf-8", "surrogatepass" if len(data) % 2 else "replace"))

    def file(data: bytes) -> None:
        import_bytes(data, f"fuzzed.{target}")

    def once(data: bytes) -> None:
        try:
            (text if target in TEXTS else file)(data)
        except UnicodeDecodeError:
            return  # no text at all

    options = [
        f"-max_total_time={seconds}",
        "-timeout=20",  # seconds for one input
        "-rss_limit_mb=3000",
        "-max_len=4096" if target in TEXTS else "-max_len=60000",
        "-print_final_stats=1",
        "-verbosity=0",
        f"-artifact_prefix={folder}/",
    ]
    if target in TEXTS:
        TEXTS[target]("насос")  # what is made once is made before
    atheris.Setup([sys.argv[0], *options, folder], once, enable_python_coverage=True)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:4])
