"""Laws of server-side apply and of sets of fields."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightkube.models import core_v1

from staticlet.kube.patch import apply, entries, fault, fieldset, layout, managed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
NAMES = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["x", "y"])


def lists_by(key, **fields):
    items = st.fixed_dictionaries({key: NAMES}, optional=fields)
    return st.lists(items, max_size=3, unique_by=lambda item: item[key])


PODS = st.fixed_dictionaries(
    {
        "apiVersion": st.just("v1"),
        "kind": st.just("Pod"),
        "metadata": st.fixed_dictionaries(
            {"name": st.just("p")},
            optional={
                "labels": st.dictionaries(NAMES, TEXTS, min_size=1, max_size=3),
                "finalizers": st.lists(NAMES, min_size=1, max_size=3, unique=True),
            },
        ),
        "spec": st.fixed_dictionaries(
            {
                "containers": lists_by(
                    "name",
                    image=TEXTS,
                    command=st.lists(TEXTS, max_size=2),
                    securityContext=st.fixed_dictionaries({}, optional={"runAsUser": TEXTS}),
                ).filter(bool)
            },
            optional={
                "hostname": TEXTS,
                "nodeSelector": st.dictionaries(NAMES, TEXTS, max_size=2),
            },
        ),
    }
)
LEAVES = st.just({})
TREES = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(
        st.sampled_from(["f:a", "f:b", 'k:{"name":"c"}', 'v:"x"']), inner, max_size=3
    ).flatmap(lambda tree: st.sampled_from([tree, {".": {}, **tree} if tree else tree])),
    max_leaves=12,
).map(fieldset.beneath)
KEYS = st.sampled_from(
    [
        "metadata",
        "managedFields",
        "labels",
        "spec",
        "containers",
        "name",
        "fieldsV1",
        "f:a",
        ".",
        "finalizers",
        "manager",
        "operation",
        "fieldsType",
        "time",
        "status",
        "conditions",
        "type",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.sampled_from(["FieldsV1", "Apply", "a"])
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "manager": TEXTS,
            "operation": st.sampled_from(["Apply", "Update"]),
            "fieldsType": st.just("FieldsV1"),
            "fieldsV1": TREES | ANY,
        },
    ),
    max_size=3,
)
OBJECTS = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries(
            {}, optional={"managedFields": ENTRIES | ANY, "labels": ANY, "finalizers": ANY}
        )
    },
    optional={"spec": st.dictionaries(KEYS, ANY, max_size=3), "status": ANY},
)


def applied(live, config, manager, now=NOW, *, force=True):
    return apply.apply(
        core_v1.Pod, live, config, manager=manager, force=force, now=now, api_version="v1"
    )


def code_of(attempt):
    """The code of the refusal that an attempt ends with, or 200."""
    try:
        attempt()
    except fault.Fault as refused:
        return refused.refusal().code
    return 200


def sets(obj):
    return {entry.owner.manager: entry.fields for entry in entries.held(obj)}


def without_entries(obj):
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


@given(PODS, PODS)
def test_applying_twice_is_applying_once(first, second):
    live = applied(None, first, "one")
    once = applied(live, second, "two")
    assert applied(once, second, "two", LATER) == once


@given(PODS, PODS)
def test_the_only_applier_gets_what_it_asks_for(first, second):
    live = applied(applied(None, first, "me"), second, "me")
    wanted = applied(None, second, "me")
    assert without_entries(live) == without_entries(wanted)
    assert sets(live) == sets(wanted)


@given(PODS, PODS)
def test_who_forces_owns_all_that_it_sets(first, second):
    live = applied(None, first, "one")
    after = applied(live, second, "two")
    config = managed.tracked(fieldset.of_object(layout.of(core_v1.Pod), second), "")
    assert sets(after)["two"] == config
    shared = fieldset.intersection(sets(after).get("one", {}), config)
    changed = fieldset.compare(layout.of(core_v1.Pod), live, after).changed
    assert not fieldset.intersection(shared, changed)


@given(PODS, PODS)
def test_without_force_it_is_a_conflict_or_changes_nothing_of_others(first, second):
    live = applied(None, first, "one")
    forced = applied(live, second, "two")
    if sets(forced).get("one") == sets(live)["one"]:
        assert applied(live, second, "two", force=False) == forced
    else:
        with pytest.raises(fault.Fault) as refused:
            applied(live, second, "two", force=False)
        assert refused.value.kind is fault.Kind.CONFLICT
        lost = fieldset.difference(sets(live)["one"], sets(forced).get("one", {}))
        assert {cause.field for cause in refused.value.causes} == set(fieldset.paths(lost))


@given(PODS, PODS)
def test_what_one_manager_takes_back_leaves_the_others_fields(first, second):
    live = applied(applied(None, first, "one"), second, "two")
    mine = sets(live).get("one", {})
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    after = applied(live, bare, "two")
    assert "two" not in sets(after)
    config = fieldset.of_object(layout.of(core_v1.Pod), after)
    left = fieldset.intersection(config, mine)
    items = fieldset.difference(mine, left)
    assert not [path for path in fieldset.paths(items) if "[" not in path]


@given(PODS, PODS, PODS)
def test_every_field_of_an_entry_is_there(first, second, third):
    live = applied(applied(None, first, "one"), second, "two")
    new = copy.deepcopy(third)
    new["metadata"]["managedFields"] = managed.updated(
        core_v1.Pod, live, new, manager="three", now=LATER, api_version="v1"
    )
    full = fieldset.compare(layout.of(core_v1.Pod), {}, new).changed
    for fields in sets(new).values():
        assert not fieldset.difference(fields, full)


@given(PODS, PODS)
def test_a_write_owns_what_it_changed_and_others_do_not(first, second):
    live = applied(None, first, "one")
    new = copy.deepcopy(second)
    new["metadata"]["managedFields"] = managed.updated(
        core_v1.Pod, live, new, manager="two", now=LATER, api_version="v1"
    )
    changes = fieldset.compare(layout.of(core_v1.Pod), live, new)
    changed = managed.tracked(changes.changed, "")
    assert sets(new).get("two", {}) == changed
    assert not fieldset.intersection(sets(new).get("one", {}), changed)


@given(TREES, TREES)
def test_the_algebra_of_sets(one, other):
    def members(tree):
        return set(fieldset.paths(tree))

    assert members(fieldset.union(one, other)) == members(one) | members(other)
    assert members(fieldset.difference(one, other)) == members(one) - members(other)
    assert members(fieldset.intersection(one, other)) == members(one) & members(other)
    for made in (fieldset.union, fieldset.difference, fieldset.intersection):
        result = made(one, other)
        assert fieldset.decode(result) == result
        assert bool(result) == bool(members(result))


@given(TREES)
def test_a_set_comes_back_from_its_own_form(tree):
    assert fieldset.decode(tree) == tree


@given(PODS)
def test_the_set_of_an_object_has_all_its_values(pod):
    here = layout.of(core_v1.Pod)
    assert not fieldset.difference(
        fieldset.of_object(here, pod), fieldset.compare(here, {}, pod).changed
    )
    assert not fieldset.compare(here, pod, copy.deepcopy(pod))


@given(OBJECTS | st.none(), OBJECTS)
def test_any_object_gets_entries_or_none(live, new):
    if live is not None:
        live = copy.deepcopy(live)
        live["metadata"]["managedFields"] = managed.updated(
            core_v1.Pod, None, live, manager="a", now=NOW, api_version="v1"
        )
    before = copy.deepcopy((live, new))
    for subresource in ("", "status"):
        managed.updated(
            core_v1.Pod,
            live,
            new,
            manager="b",
            now=NOW,
            api_version="v1",
            subresource=subresource,
        )
    assert (live, new) == before


@given(PODS | st.none(), OBJECTS | st.dictionaries(KEYS, ANY))
def test_any_configuration_is_applied_or_refused(pod, config):
    live = None if pod is None else applied(None, pod, "one")
    before = copy.deepcopy((live, config))
    assert code_of(lambda: applied(live, config, "two")) in (200, 400)
    assert (live, config) == before
