"""The table of rules for pods: one place changed, and all that is then said, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from staticlet.kube.validate import pod

TABLE = yaml.safe_load((Path(__file__).parents[1] / "data" / "podrules.yaml").read_text())
CASES = [
    pytest.param(group, case, id=f"{group['rule']} ({number})")
    for group in TABLE
    for number, case in enumerate(group["cases"], 1)
]


def pod_with(of, given):
    """A good pod in which the part `of` is, or has, what is given."""
    spec = {"containers": [{"name": "c", "image": "nginx"}]}
    container = spec["containers"][0]
    volumes = [
        {"name": "v", "emptyDir": {}},
        {"name": "d", "persistentVolumeClaim": {"claimName": "d"}},
    ]
    metadata = {"name": "web", "namespace": "default"}
    match of:
        case "metadata":
            metadata = given
        case "spec":
            spec |= given
        case "affinity":
            spec["affinity"] = given
        case "volume":
            spec["volumes"] = [{"name": "v", **given}]
        case _:
            lists = {"port": "ports", "variable": "env", "mount": "volumeMounts"}
            container |= given if of == "container" else {}
            container |= {lists[of]: [given]} if of in lists else {}
            container |= {of: given} if of not in (*lists, "container") else {}
            spec["volumes"] = volumes
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(("group", "case"), CASES)
def test_a_rule_of_the_table_holds(group, case):
    found = pod.check(pod_with(group["of"], case["given"]))
    assert [str(error) for error in found] == [group["under"] + line for line in case["said"]]


def test_the_table_has_a_good_many_cases():
    assert len(CASES) > 200
    assert len(TABLE) > 25
