"""An API server and a network that fail in every way harm no pod, and all is told in the end.

`make faults` does the same for longer, with more restarts and by chance.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from chaos import apirun, faults
from staticlet.testing.containerd import Containerd

RESTARTS = 4
OUTAGE_S = 10.0


@pytest.mark.timeout(240)
def test_whatever_the_api_server_does_pods_live_as_the_manifests_say_and_it_shows_them(
    containerd: Containerd, place: Path
) -> None:
    rng = random.Random(11)  # noqa: S311  chance, no secret
    told: list[str] = []
    with apirun.world(place, containerd, rng, told.append) as world:
        faults.everything(world, restarts=RESTARTS, outage_s=OUTAGE_S)
    assert len([line for line in told if line.startswith("rest")]) > 10
