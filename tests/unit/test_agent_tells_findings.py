"""What the agent logs of manifests: each finding once, and of a flood its beginning and size."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from staticlet.aio import clock
from staticlet.app import merging
from staticlet.config.settings import Settings
from staticlet.kube import finding
from staticlet.pods import tools, wanted


@pytest.fixture
def made(tmp_path: Path) -> merging.Merging:
    """What tells of them, which is not run."""
    time = clock.SystemClock()
    settings = Settings(node_name="n1", root_dir=tmp_path)
    return merging.Merging(settings, time, outside=(), recorder=tools.Unheard())


def refused(number: int) -> wanted.Wanted:
    """So many manifests that are refused."""
    found = (f"/m/{each}.yaml" for each in range(number))
    return wanted.Wanted(
        manifests=tuple(
            wanted.Manifest(
                origin=origin,
                state=wanted.ManifestState.REFUSED,
                findings=(
                    finding.Finding(
                        severity=finding.Severity.ERROR, source=origin, message="is bad"
                    ),
                ),
            )
            for origin in found
        )
    )


def test_a_flood_of_findings_is_logged_by_its_beginning_and_its_number(
    made: merging.Merging, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        made.tell_findings(refused(1990))
    assert caplog.messages[0] == "/m/0.yaml: is bad"
    assert len(caplog.messages) == merging.MOST_FINDINGS_LOGGED + 1
    assert caplog.messages[-1] == (
        "and 1940 more findings: `staticlet get manifests` shows them all"
    )


def test_what_was_told_is_not_told_again_and_news_are(
    made: merging.Merging, caplog: pytest.LogCaptureFixture
) -> None:
    made.tell_findings(refused(1990))
    caplog.clear()
    made.tell_findings(refused(1990))
    assert caplog.messages == []
    made.tell_findings(refused(1991))
    assert caplog.messages == ["/m/1990.yaml: is bad"]
