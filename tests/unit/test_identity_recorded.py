"""Pods are known again by every later version: what was recorded once is written for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from staticlet.testing import identitybook

PLACE = Path(__file__).parents[1] / "data" / "identity"
RECORDED = {each.stem: json.loads(each.read_text()) for each in sorted(PLACE.glob("*.json"))}
COST = """
{name}: {what} differs from what earlier versions wrote. {cost}
If that is what you want: say so under "Breaking" in CHANGELOG.md, then run
    .venv/bin/python scripts/record-identity
"""
RESTARTS = "An upgrade would stop and start again every such pod on every machine."
STRANGERS = "After an upgrade the agent would not find, or misread, the pods that run."


def recorded(name: str, now: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    before = RECORDED[name]["pods"]
    return list(zip(before, now, strict=True))


@pytest.fixture(params=RECORDED)
def book(request: pytest.FixtureRequest) -> tuple[str, list[dict[str, Any]]]:
    name: str = request.param
    return name, identitybook.pods(RECORDED[name]["manifest"])


def test_recorded_pods_keep_their_names_uids_and_revisions(
    book: tuple[str, list[dict[str, Any]]],
) -> None:
    name, now = book
    for before, after in recorded(name, now):
        for what in ("key", "uid", "revision"):
            words = COST.format(name=name, what=what, cost=RESTARTS)
            assert after[what] == before[what], words


def test_recorded_pods_keep_their_labels_and_annotations(
    book: tuple[str, list[dict[str, Any]]],
) -> None:
    name, now = book
    for before, after in recorded(name, now):
        for what in ("sandbox", "containers"):
            words = COST.format(name=name, what=what, cost=STRANGERS)
            assert after[what] == before[what], words


def test_many_kinds_of_pods_are_recorded() -> None:
    assert len(RECORDED) >= 8
    assert sum(len(each["pods"]) for each in RECORDED.values()) >= 9
