"""What is told of the node: labels, taints, reserved resources, eviction thresholds. Pure.

The flags write these as lists of pairs, the configuration file as maps; the rules are the same
for both, and are the kubelet's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from staticlet.kube import names, nodelabels, quantity

SIGNALS = (
    "memory.available",
    "nodefs.available",
    "nodefs.inodesFree",
    "imagefs.available",
    "imagefs.inodesFree",
    "containerfs.available",
    "containerfs.inodesFree",
    "allocatableMemory.available",
    "pid.available",
)
"""What an eviction threshold can be about."""

EVICTION_HARD: Mapping[str, str] = {
    "memory.available": "100Mi",
    "nodefs.available": "10%",
    "nodefs.inodesFree": "5%",
    "imagefs.available": "15%",
    "imagefs.inodesFree": "5%",
}
"""The thresholds where none are given."""

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
RESERVABLE = ("cpu", "memory", "ephemeral-storage", "pid")

_PERCENTAGE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)%")


class TextError(ValueError):
    """A text cannot be read; the message says what to write."""


def pairs(texts: Sequence[str], separator: str) -> dict[str, str]:
    """Read `a=1,b=2`, or `a<1,b<2`; of a name that comes twice the last value counts.

    Raises:
        TextError: A pair lacks its separator.
    """
    out: dict[str, str] = {}
    for pair in (pair for text in texts for pair in text.split(",") if pair.strip()):
        name, found, value = pair.partition(separator)
        if not found:
            raise TextError(f'"{pair}" lacks its "{separator}": write name{separator}value')
        out[name.strip()] = value.strip()
    return out


def taints(texts: Sequence[str]) -> list[dict[str, str]]:
    """Read `key=value:Effect,key:Effect`.

    Raises:
        TextError: One lacks its effect.
    """
    out = []
    for one in (part.strip() for text in texts for part in text.split(",") if part.strip()):
        pair, colon, effect = one.rpartition(":")
        if not colon:
            raise TextError(f'"{one}" lacks its effect: write key=value:NoSchedule')
        key, _, value = pair.partition("=")
        out.append({"key": key, "value": value, "effect": effect})
    return out


def label_rule(labels: Mapping[str, str]) -> str:
    """What is wrong with labels that a node gives itself; empty when nothing is."""
    for name, value in labels.items():
        wrong = names.qualified_name(name)
        if wrong:
            return f'"{name}" is not the name of a label: {wrong[0]}'
        wrong = names.label_value(value)
        if wrong:
            return f'"{value}" is not the value of a label: {wrong[0]}'
        if not nodelabels.settable(name):
            domains = " or ".join(nodelabels.DOMAINS)
            return (
                f'"{name}" is not a label that a node may give itself: take a name outside of '
                f"kubernetes.io and k8s.io, or one in {domains}"
            )
    return ""


def taint_rule(given: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with taints; empty when nothing is."""
    seen = set()
    for taint in given:
        key, effect = str(taint.get("key") or ""), taint.get("effect")
        wrong = names.qualified_name(key) or names.label_value(str(taint.get("value") or ""))
        if wrong:
            return f'the taint "{key}" is not valid: {wrong[0]}'
        if effect not in EFFECTS:
            return f'the effect of taint "{key}" must be one of {", ".join(EFFECTS)}'
        if (key, effect) in seen:
            return f'the taint "{key}" stands there twice with the effect {effect}'
        seen.add((key, effect))
    return ""


def reserved_rule(reserved: Mapping[str, str]) -> str:
    """What is wrong with resources that are reserved; empty when nothing is."""
    for name, text in reserved.items():
        if name not in RESERVABLE:
            return f'"{name}" cannot be reserved, only {", ".join(RESERVABLE)}'
        if wrong := _amount(name, text):
            return wrong
    return ""


def threshold_rule(thresholds: Mapping[str, str]) -> str:
    """What is wrong with eviction thresholds; empty when nothing is."""
    for signal, text in thresholds.items():
        if signal not in SIGNALS:
            return f'"{signal}" is not a signal: write one of {", ".join(SIGNALS)}'
        share = percentage(text)
        if share is not None and share > 1:
            return f"{signal} may not be more than 100%, as {text} is"
        if share is None and (wrong := _amount(signal, text)):
            return wrong
    return ""


def percentage(text: str) -> float | None:
    """The share that `5%` is, 0.05; None for what is no percentage."""
    found = _PERCENTAGE.fullmatch(text)
    return float(found[1]) / 100 if found else None


def _amount(name: str, text: str) -> str:
    try:
        amount = quantity.parse(text)
    except quantity.InvalidQuantityError:
        return f'{name} must be an amount, such as "100Mi" or "500m", not "{text}"'
    return f"{name} must not be negative, as {text} is" if amount.sign < 0 else ""
