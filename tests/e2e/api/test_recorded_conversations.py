"""Conversations recorded from a kube-apiserver 1.36.2, held against ours.

`tests/data/apicheck` has the scenarios and the recorded answers. What differs on purpose is
listed, with the reason, in the table of docs/api-differences.md. This test reads that table: a
difference that is not listed fails, and so does a listed one that is not there any more.
"""

from __future__ import annotations

import difflib
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from staticlet.testing import apirun, apiserver, conversations

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests/data/apicheck"
TABLE = ROOT / "docs/api-differences.md"
SCENARIOS = sorted(path.stem for path in (DATA / "scenarios").glob("*.yaml"))
STEPS = 241
_ROW = re.compile(r"^\| (\w+) \| `([^`]+)` \| (.+) \|$", re.MULTILINE)
_LINES_OF_A_DIFFERENCE = 40


def recorded(scenario: str) -> dict[str, Any]:
    answers: dict[str, Any] = json.loads((DATA / f"golden/{scenario}.json").read_text())
    return answers


def listed(scenario: str) -> dict[str, str]:
    """The differences that the document lists: the reason by the step's name."""
    rows = _ROW.findall(TABLE.read_text())
    return {step: reason for where, step, reason in rows if where == scenario}


def difference(want: Any, got: Any) -> str:
    sides = [json.dumps(one, indent=1, sort_keys=True).splitlines() for one in (want, got)]
    lines = difflib.unified_diff(*sides, "recorded", "ours", lineterm="", n=2)
    return "\n".join([*lines][:_LINES_OF_A_DIFFERENCE])


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[conversations.Server]:
    base = tmp_path_factory.mktemp("recorded")
    with apirun.running(base, controllers="none") as server:
        yield conversations.Server(
            host="127.0.0.1",
            port=apirun.port(server),
            tls=apirun.trust(server),
            tokens=apiserver.TOKENS,
        )


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_answers_are_those_of_a_real_server(played, scenario):
    steps = yaml.safe_load((DATA / f"scenarios/{scenario}.yaml").read_text())
    run = conversations.Run(server=played, suffix=f"r{secrets.token_hex(3)}")
    answers = run.play(steps)
    expected = recorded(scenario)
    differing = {name for name, want in expected.items() if answers.get(name) != want}
    known = listed(scenario)
    told = [
        f"--- {name}\n{difference(expected[name], answers.get(name))}"
        for name in sorted(differing - known.keys())
    ]
    assert not told, "\n".join(["answers differ from the recording:", *told])
    agreeing = known.keys() - differing
    assert not agreeing, f"{TABLE.name} lists what does not differ any more: {sorted(agreeing)}"


def test_all_recordings_are_played():
    assert sum(len(recorded(scenario)) for scenario in SCENARIOS) == STEPS


def test_the_table_lists_steps_that_there_are():
    rows = _ROW.findall(TABLE.read_text())
    assert all(step in recorded(scenario) for scenario, step, _ in rows), rows
    assert len(rows) <= STEPS - 229
