"""The API server is killed while clients write. `make durability` does it two hundred times."""

from __future__ import annotations

import pytest

from chaos import durability

ROUNDS = 8


def test_nothing_that_was_acknowledged_is_lost(tmp_path):
    with durability.running(tmp_path, seed="suite") as made:
        for number in range(ROUNDS):
            made.round(number)
        assert made.writes > ROUNDS


def test_a_server_that_forgets_is_found_out(tmp_path):
    def forget(state):
        (log,) = state.rglob("*-wal")
        log.unlink()

    with (
        durability.running(tmp_path, seed="suite", harm=forget) as made,
        pytest.raises(durability.Lost, match="should hold"),
    ):
        made.round(1)
