"""Whether the machine runs out of something, by the kubelet's thresholds. Pure.

A threshold is crossed when less is left than it says. The node then counts as under pressure for
some time after, so that its condition does not flap.
"""

from __future__ import annotations

from collections.abc import Mapping

from staticlet.config import nodetexts
from staticlet.config.settings import Settings
from staticlet.host.levels import Level
from staticlet.kube import quantity

MEMORY = "MemoryPressure"
DISK = "DiskPressure"
PIDS = "PIDPressure"

_CONDITIONS = {
    "memory": MEMORY,
    "nodefs": DISK,
    "imagefs": DISK,
    "containerfs": DISK,
    "pid": PIDS,
}
_OFF = (0.0, 1.0)


def thresholds(settings: Settings) -> Mapping[str, str]:
    """The thresholds that hold, by signal."""
    if settings.merge_default_eviction_settings:
        return {**nodetexts.EVICTION_HARD, **settings.eviction_hard}
    return settings.eviction_hard


def floor(threshold: str, capacity: int) -> int:
    """How much must be left: bytes or pieces; 0 where the threshold is off."""
    share = nodetexts.percentage(threshold)
    if share is None:
        return quantity.parse(threshold).value()
    return 0 if share in _OFF else int(capacity * share)


def crossed(wanted: Mapping[str, str], levels: Mapping[str, Level]) -> frozenset[str]:
    """The conditions of which a threshold is crossed now; what is not measured crosses none."""
    out = set()
    for signal, threshold in wanted.items():
        level = levels.get(signal)
        condition = _CONDITIONS.get(signal.partition(".")[0])
        if level and condition and level.available < floor(threshold, level.capacity):
            out.add(condition)
    return frozenset(out)


def lasting(
    seen: Mapping[str, float], now: frozenset[str], *, now_s: float, period_s: float
) -> dict[str, float]:
    """The conditions that hold, each with when it was seen last.

    Args:
        seen: The answer before this one.
        now: What is crossed now.
        now_s: The time, of the clock that never jumps.
        period_s: How long a condition holds after it was seen last.
    """
    kept = {name: at for name, at in seen.items() if now_s - at < period_s}
    return kept | dict.fromkeys(now, now_s)
