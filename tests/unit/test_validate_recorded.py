"""What kube-apiserver 1.36 said of these pods, word for word, we say too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from staticlet.kube import fieldpath
from staticlet.kube.validate import pod

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "podvalidation.json").read_text())


@pytest.mark.parametrize("step", RECORDED, ids=lambda step: step["name"].replace(" ", "-"))
def test_a_recorded_pod_is_refused_for_the_recorded_causes(step):
    found = [
        {
            "field": fieldpath.render(error.path),
            "message": error.message,
            "reason": error.kind.value,
        }
        for error in pod.check(step["pod"])
    ]
    # Of some steps only reason and field were recorded.
    recorded = set().union(*step["causes"], {"field", "reason"})
    assert [{key: error[key] for key in recorded} for error in found] == step["causes"]


def test_the_recording_has_good_and_bad_pods():
    bad = [step for step in RECORDED if step["causes"]]
    assert len(bad) >= 18
    assert len(RECORDED) - len(bad) >= 3
