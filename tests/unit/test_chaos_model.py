"""The chaos test's own judgement: what it expects, and that it sees what is wrong."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chaos import manifests, model, verdict
from chaos.model import NOTHING, Content, Goods, Lineage, Shape, Variant
from chaos.survey import Box, Inmate, Machine
from staticlet.kube import read
from staticlet.pods.sources import judge

PLACE = "here"
A1, A2 = Variant("a", 1, Shape.PLAIN), Variant("a", 2, Shape.PAIR)
B1, B2 = Variant("b", 1, Shape.NET), Variant("b", 2, Shape.STUBBORN)
SEEN = datetime(2026, 1, 2, tzinfo=UTC)


def contents() -> list[Content]:
    """Some of every kind."""
    rng = random.Random(7)  # noqa: S311  chance, no secret
    return [
        manifests.good([A1, B1], place=PLACE),
        manifests.good([A2], place=PLACE),
        manifests.one_bad([A2, B2], "a", place=PLACE),
        manifests.one_bad([A2, B2], "b", place=PLACE),
        manifests.one_bad([A1], "a", place=PLACE),
        *(manifests.half([A2, B2], place=PLACE, rng=rng) for _ in range(60)),
        *(manifests.garbage(rng) for _ in range(40)),
    ]


def judged(content: Content, before: tuple[judge.Good, ...]) -> tuple[judge.Good, ...]:
    """What the agent's own code makes of it."""
    judging = judge.Judge(node_name="n1", source="file", read=read.read)
    data = content.text.encode()
    return judging.content(
        data, origin="/m/f.yaml", previous=before, seen=SEEN, incarnations={}
    ).goods


def goods_of(goods: tuple[judge.Good, ...]) -> set[tuple[str, int]]:
    """Pods and rounds."""
    return {
        (
            good.pod.key.name.removesuffix("-n1"),
            int(good.pod.pod.metadata.annotations[manifests.ROUND]),
        )
        for good in goods
    }


@pytest.mark.parametrize("first", contents()[:4])
def test_the_model_expects_of_each_content_what_the_agent_makes_of_it(first: Content) -> None:
    before, expected_before = judged(first, ()), model.judge(first, NOTHING)
    assert goods_of(before) == {(each.pod, each.round) for each in expected_before}
    for content in contents():
        expected = {(each.pod, each.round) for each in model.judge(content, expected_before)}
        assert goods_of(judged(content, before)) == expected, content


def test_every_shape_is_a_good_manifest() -> None:
    for shape in Shape:
        one = Variant("a", 3, shape)
        assert goods_of(judged(manifests.good([one], place=PLACE), ())) == {("a", 3)}


def test_of_versions_that_nobody_may_have_seen_any_may_have_become_the_last_good_one() -> None:
    one, two = manifests.good([A1], place=PLACE), manifests.good([A2], place=PLACE)
    bad = Content(text="{", refused=(None,))
    settled = Lineage().written(one).seen()
    assert settled.written(bad).allowed() == {frozenset({A1})}
    assert settled.written(two).written(bad).allowed() == {frozenset({A1}), frozenset({A2})}
    assert settled.written(two).written(bad).written(two).allowed() == {frozenset({A2})}


def test_a_bad_file_that_is_renamed_keeps_its_pods_unless_the_agent_may_have_missed_it() -> None:
    bad = Content(text="{", refused=(None,))
    settled = (
        Lineage().written(manifests.good([A1], place=PLACE)).written(bad).found(frozenset({A1}))
    )
    kept: frozenset[Goods] = frozenset({frozenset({A1})})
    assert settled.moved(watched=True).allowed() == kept
    assert settled.moved(watched=True).seen().agent_ended().allowed() == kept
    assert settled.moved(watched=True).agent_ended().allowed() == kept | {NOTHING}
    assert settled.moved(watched=False).allowed() == kept | {NOTHING}
    assert settled.removed().allowed() == {NOTHING}


BOX = Box(id="s", pod="a", uid="u", ready=True, round=1)
MAIN = Inmate(id="c", sandbox_id="s", name="main", attempt=0, running=True, exited=False, round=1)
RIGHT = Machine(
    boxes=(BOX,),
    inmates=(MAIN,),
    records=frozenset({"s", "c"}),
    tasks=frozenset({"s", "c"}),
    shims=frozenset({"s"}),
    directories=frozenset({"u"}),
    logs=frozenset({"default_a-n1_u"}),
    links={"c": True},
    groups=frozenset({"u"}),
)
DEAD = replace(MAIN, running=False, exited=True, round=None)
WRONG = {
    "no sandbox": replace(RIGHT, boxes=()),
    "a second sandbox": replace(RIGHT, boxes=(BOX, replace(BOX, id="t"))),
    "another pod": replace(RIGHT, boxes=(BOX, replace(BOX, id="t", pod="z"))),
    "a dead sandbox": replace(RIGHT, boxes=(replace(BOX, ready=False),)),
    "an old sandbox": replace(RIGHT, boxes=(replace(BOX, round=0),)),
    "old content": replace(RIGHT, inmates=(replace(MAIN, round=0),)),
    "no container": replace(RIGHT, inmates=()),
    "a dead container": replace(RIGHT, inmates=(DEAD,)),
    "a doubled container": replace(RIGHT, inmates=(MAIN, replace(MAIN, id="d", attempt=1))),
    "many dead": replace(
        RIGHT, inmates=(DEAD, replace(DEAD, id="d", attempt=1), replace(MAIN, id="e", attempt=2))
    ),
    "an unknown container": replace(RIGHT, inmates=(MAIN, replace(MAIN, id="d", name="x"))),
    "a lost container": replace(RIGHT, inmates=(MAIN, replace(DEAD, id="d", sandbox_id="gone"))),
    "a record": replace(RIGHT, records=RIGHT.records | {"x"}),
    "a task": replace(RIGHT, tasks=RIGHT.tasks | {"x"}),
    "no task": replace(RIGHT, tasks=frozenset()),
    "a shim": replace(RIGHT, shims=RIGHT.shims | {"x"}),
    "no shim": replace(RIGHT, shims=frozenset()),
    "a directory": replace(RIGHT, directories=RIGHT.directories | {"x"}),
    "a log directory": replace(RIGHT, logs=RIGHT.logs | {"default_x-n1_x"}),
    "logs of many lives": replace(RIGHT, crowded=frozenset({"default_a-n1_u/main"})),
    "a dead link": replace(RIGHT, links={"c": False}),
    "a mount": replace(RIGHT, mounts=frozenset({"x"})),
    "a cgroup": replace(RIGHT, groups=RIGHT.groups | {"x"}),
    "no cgroup": replace(RIGHT, groups=frozenset()),
}


def test_a_machine_that_is_as_it_should_be_has_no_troubles() -> None:
    assert list(verdict.troubles([A1], RIGHT)) == []
    assert list(verdict.troubles([], Machine())) == []


@pytest.mark.parametrize("machine", WRONG.values(), ids=WRONG.keys())
def test_whatever_is_wrong_with_the_machine_is_seen(machine: Machine) -> None:
    assert list(verdict.troubles([A1], machine))


def test_of_what_a_file_may_stand_for_the_one_that_runs_is_chosen() -> None:
    old = frozenset({Variant("a", 1, Shape.PLAIN)})
    new = frozenset({Variant("a", 2, Shape.PLAIN)})
    choices = frozenset({old, new, NOTHING})
    assert verdict.settled({"f": choices}, RIGHT) == ({"f": old}, [])
    assert verdict.settled({"f": choices}, Machine())[0] == {"f": NOTHING}
    assert verdict.settled({"f": frozenset({new})}, RIGHT)[1]
