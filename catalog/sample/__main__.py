"""`python -m catalog.sample --out DIR`: writes the sample catalogue, a workbook and its photos."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from catalog.sample.book import write_sample


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/sample", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the workbook and photos")
    parser.add_argument("--rows", type=int, default=40_000, help="number of products (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same rows (default: %(default)s)")
    chosen = parser.parse_args()
    try:
        sys.stdout.write(f"{write_sample(chosen.out, chosen.rows, chosen.seed)}\n")
    except ValueError as error:
        parser.error(str(error))


main()
