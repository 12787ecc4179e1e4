"""Why a pod cannot be restarted by hand, in words that are true."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from staticlet.cli import restart
from staticlet.pods import observed as obs
from staticlet.pods import obstacles, report, restarts, wanted
from staticlet.pods.images import view
from staticlet.testing import wantedpods

POD = wantedpods.wanted()
OF_API = replace(POD, source=wanted.API)
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def known(pod: wanted.WantedPod | None = POD, **more: object) -> report.Report:
    given = {"want": pod, "serving": pod, "leaving": None, **more}
    return report.Report(key=POD.key, **{"seen": obs.Observed(), "past": obs.History(), **given})


def refusal(pod: wanted.WantedPod | None, about: report.Report | None, *, source: str = "") -> str:
    return restarts.refusal(pod, about, undecided=False, source=source)


def test_a_pod_that_runs_or_waits_may_be_restarted():
    assert refusal(POD, None) == ""
    assert refusal(POD, known()) == ""
    waiting = obstacles.Obstacle(reason="OutOfcpu", message="", until="", advice="")
    assert refusal(POD, known(obstacle=waiting)) == ""


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("file", "it is being stopped, its manifest is gone"),
        ("api", "it is being stopped, it was deleted in the API server"),
    ],
)
def test_what_is_being_stopped_says_who_wanted_that(source, why):
    leaving = (replace(POD, source=source), NOW)
    assert refusal(None, known(None, leaving=leaving)) == why
    assert refusal(None, None, source=source) == why


def test_what_nobody_has_decided_about_is_not_being_stopped():
    words = restarts.refusal(None, None, undecided=True, source="api")
    assert words == "its source (api) has not said yet whether it is wanted: it runs on meanwhile"


def test_what_the_agent_has_ended_in_the_api_stays_ended_and_a_static_pod_may_begin_anew():
    ending = obs.Ending(
        uid=POD.uid, revision=POD.revision, reason="Preempting", message="for another", at_ns=0
    )
    past = obs.History(ended=ending)
    words = "it was ended for good (Preempting: for another)"
    assert refusal(OF_API, known(OF_API, past=past)) == words
    assert refusal(POD, known(past=past)) == ""


def test_a_predecessor_that_runs_on_is_not_ended_by_a_restart():
    waiting = obstacles.Obstacle(reason="OutOfcpu", message="too little", until="", advice="")
    old = wantedpods.wanted(uid="old")
    pulling = {"c": view.ImageView(state=view.State.PULLING)}
    for about, until in (
        (known(successor_images=pulling), "until the new images are there"),
        (
            known(serving=old, obstacle=waiting),
            "until there is a place for it (OutOfcpu: too little)",
        ),
    ):
        assert refusal(POD, about) == (
            f"its manifest has changed and it runs on as before {until}: a restart would end it"
        )


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("file", "its manifest was removed"),
        ("api", "it was deleted in the API server"),
        ("", "its manifest was removed"),
    ],
)
def test_the_command_says_why_a_pod_went_while_it_waited(source, why):
    notes = {"kubernetes.io/config.source": source} if source else None
    assert restart.why_gone({"metadata": {"annotations": notes}}) == why
