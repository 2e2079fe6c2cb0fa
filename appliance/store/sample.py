"""By which ids the sample history is known: nothing else ever has them, so it can be left alone, and taken away."""

from __future__ import annotations

from uuid import UUID

# Ids of version 8 (RFC 9562, "custom") with a prefix of our own; all others here are of version 4 or 5.
FIRST = UUID("5a3b1e00-5a3b-8000-8000-000000000000")
LAST = UUID("5a3b1e00-5a3b-8fff-bfff-ffffffffffff")
