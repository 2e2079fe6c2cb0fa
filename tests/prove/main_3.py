"""main-3: customers see the goods within a second, also when two hundred of them ask at once."""

from __future__ import annotations

import asyncio
import sys

from tests.bench.chat import main

if __name__ == "__main__":
    quick = "--quick" in sys.argv
    code = asyncio.run(main([1, 8] if quick else [1, 8, 32, 200], 1 if quick else 4))
    print(f"main-3: {'does not hold' if code else 'holds'}: cards p95 below 1 s at 200 customers")
    sys.exit(code)
