"""Whatever an object is: its defaults are set once, and an update that changes nothing is fine."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staticlet.apiserver.resources import registry
from staticlet.kube import schema
from staticlet.kube.refusal import Refusal
from staticlet.testing.pureapi import PureApi

NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
MAPS = st.dictionaries(NAMES, st.sampled_from(["", "a", "1"]), max_size=2)
FLAGS = st.booleans()
AMOUNTS = st.dictionaries(
    st.sampled_from(["cpu", "memory"]), st.sampled_from(["1", "500m", "1024Mi", "0"]), max_size=2
)
CONTAINERS = st.fixed_dictionaries(
    {"name": NAMES, "image": st.sampled_from(["a", "a:1", "r.example/a@sha256:" + "0" * 64])},
    optional={
        "tty": FLAGS,
        "stdin": FLAGS,
        "workingDir": st.sampled_from(["", "/x"]),
        "env": st.lists(st.fixed_dictionaries({"name": NAMES, "value": NAMES | st.just("")})),
        "resources": st.fixed_dictionaries({}, optional={"requests": AMOUNTS, "limits": AMOUNTS}),
        "ports": st.lists(
            st.fixed_dictionaries(
                {"containerPort": st.integers(1, 65535)}, optional={"name": NAMES}
            ),
            max_size=1,
        ),
        "securityContext": st.fixed_dictionaries({}, optional={"privileged": FLAGS}),
    },
)
PODS = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries({"name": NAMES}, optional={"labels": MAPS}),
        "spec": st.fixed_dictionaries(
            {"containers": st.lists(CONTAINERS, min_size=1, max_size=2)},
            optional={
                "hostNetwork": FLAGS,
                "hostPID": FLAGS,
                "nodeName": NAMES | st.just(""),
                "nodeSelector": MAPS,
                "restartPolicy": st.sampled_from(["Always", "OnFailure", "Never", ""]),
                "terminationGracePeriodSeconds": st.integers(-1, 60),
                "tolerations": st.lists(
                    st.fixed_dictionaries({"operator": st.just("Exists")}), max_size=1
                ),
                "volumes": st.lists(
                    st.fixed_dictionaries({"name": NAMES, "emptyDir": st.just({})}), max_size=1
                ),
            },
        ),
    }
)
DATA = st.dictionaries(st.sampled_from(["a", "b", "a b", ".."]), st.text(max_size=3), max_size=2)
NODES = st.fixed_dictionaries(
    {"metadata": st.fixed_dictionaries({"name": NAMES})},
    optional={
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "unschedulable": FLAGS,
                "podCIDR": st.sampled_from(["", "10.0.0.0/24"]),
                "taints": st.lists(
                    st.fixed_dictionaries({"key": NAMES, "effect": st.just("NoSchedule")}),
                    max_size=2,
                ),
            },
        ),
        "status": st.fixed_dictionaries({}, optional={"capacity": AMOUNTS}),
    },
)
EVENTS = st.fixed_dictionaries(
    {"metadata": st.fixed_dictionaries({"name": NAMES})},
    optional={
        "involvedObject": st.fixed_dictionaries({"name": NAMES}),
        "count": st.integers(0, 3),
        "eventTime": st.just("2026-01-01T00:00:00Z"),
        "firstTimestamp": st.just("2026-01-01T01:00:00+01:00"),
        "source": st.fixed_dictionaries({}, optional={"component": NAMES}),
    },
)
OBJECTS = {
    "pods": PODS,
    "nodes": NODES,
    "events": EVENTS,
    "configmaps": st.fixed_dictionaries(
        {"metadata": st.fixed_dictionaries({"name": NAMES})},
        optional={"data": DATA, "immutable": FLAGS},
    ),
    "secrets": st.fixed_dictionaries(
        {"metadata": st.fixed_dictionaries({"name": NAMES})},
        optional={
            "stringData": DATA,
            "type": st.sampled_from(["", "Opaque", "kubernetes.io/tls"]),
        },
    ),
    "namespaces": st.fixed_dictionaries(
        {"metadata": st.fixed_dictionaries({"name": NAMES}, optional={"labels": MAPS})}
    ),
}


@pytest.mark.parametrize("plural", OBJECTS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_defaults_are_set_once(plural, data):
    kind = registry.kinds().find("", "v1", plural)
    once = schema.check(data.draw(OBJECTS[plural]), kind.struct).value
    once |= {"apiVersion": "v1", "kind": kind.kind}
    kind.strategy.default(once)
    twice = copy.deepcopy(once)
    kind.strategy.default(twice)
    assert twice == once


@pytest.mark.parametrize("plural", OBJECTS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_an_update_that_changes_nothing_is_allowed_and_changes_nothing(plural, data):
    api = PureApi()
    api.create("serviceaccounts", {"metadata": {"name": "default"}}, namespace="default")
    kind = registry.kinds().find("", "v1", plural)
    place = "default" if kind.namespaced else ""
    try:
        made = api.create(plural, data.draw(OBJECTS[plural]), namespace=place)
    except Refusal as refused:
        outcome = refused.code
    else:
        outcome = 201
    if outcome != 201:
        assert outcome in (409, 422)
        return
    name = made["metadata"]["name"]
    for subresource in ("", "status"):
        if subresource and subresource not in {one.name for one in kind.subresources}:
            continue
        again = api.change(plural, name, lambda old: old, namespace=place, subresource=subresource)
        assert again == made
