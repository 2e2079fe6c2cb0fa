"""Which prompt a dialogue is answered with while several are tried: by chance, by share, and the same to its end."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from appliance.core.prompt import Prompt

BUCKETS = 10_000  # a hundredth of a per cent


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The live prompt, and those beside it with their shares in per cent of the dialogues."""

    live: Prompt
    others: tuple[tuple[Prompt, int], ...] = ()

    def prompt(self, conversation: UUID, before: str = "") -> Prompt:
        """The one for this dialogue. `before` is the version that it was answered with so far.

        A dialogue keeps its version as long as that is in the trial: who has met one assistant does not meet another
        when shares are moved. New ones are dealt by a hash of the dialogue's id, salted with the versions on trial,
        so that no dialogue always belongs to the same side.
        """
        versions = {prompt.version: prompt for prompt in (self.live, *(prompt for prompt, _ in self.others))}
        if len(versions) == 1:
            return self.live
        if before in versions:
            return versions[before]
        salt = "|".join(prompt.version for prompt, _ in self.others)
        digest = hashlib.sha256(f"{salt}:{conversation}".encode()).digest()
        place = int.from_bytes(digest[:8]) % BUCKETS
        for prompt, share in self.others:
            place -= share * BUCKETS // 100
            if place < 0:
                return prompt
        return self.live
