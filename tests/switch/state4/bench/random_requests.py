"""Random packets for tests/state4_programs."""

from __future__ import annotations

import random

from tests.state4_programs import request


def random_requests(seed: int, count: int, max_payload: int) -> list[tuple[int, bytes]]:
    """All to port 1, with up to so many bytes after the header. Few operations and cells, so that they often
    collide."""
    chosen = random.Random(seed)
    return [
        (
            1,
            request(
                chosen.choice((0, 1, 2, 3, 4, 7, 255)),
                chosen.choice((0, 1, 3, 9, 10, 255, chosen.randrange(256))),
                chosen.randrange(1 << 16),
                chosen.randrange(1 << 64),
                bytes(chosen.randrange(max_payload + 1)),
            ),
        )
        for _ in range(count)
    ]
