"""The API server is killed while clients write. `make durability` does it two hundred times."""

from __future__ import annotations

import time

from chaos import durability

ROUNDS = 8
WITHIN_S = 3.0
"""Of a round, on a busy machine; alone it takes less than half of that."""


def test_nothing_that_was_acknowledged_is_lost(tmp_path):
    with durability.running(tmp_path, seed="suite") as made:
        for number in range(ROUNDS):
            began = time.monotonic()
            made.round(number)
            assert time.monotonic() - began < WITHIN_S
        assert made.writes > ROUNDS
