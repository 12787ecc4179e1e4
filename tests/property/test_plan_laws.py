"""Laws of `plan` in any situation whatever, also in those that no life leads to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from staticlet.kube import core
from staticlet.pods import ends, fields, steps, wanted
from staticlet.pods import observed as obs
from staticlet.pods import plan as planning
from staticlet.pods.images import view
from staticlet.runtime import port

KEY = wanted.PodKey("default", "web-node1")
NOW = 2_000_000_000 * obs.SECOND_NS
NAMES = ("a", "b", "one", "side")
UIDS = ("u1", "u2")
RULE = obs.BackoffRule()
SOME = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

moments = st.integers(NOW - 2000 * obs.SECOND_NS, NOW)
containers = st.builds(
    obs.ObservedContainer,
    id=st.uuids().map(str),
    name=st.sampled_from(NAMES),
    restart_count=st.integers(0, 4),
    state=st.sampled_from(port.ContainerState),
    created_at_ns=moments,
    started_at_ns=moments,
    finished_at_ns=moments,
    exit_code=st.sampled_from((0, 1, 137)),
)
sandboxes = st.builds(
    obs.ObservedSandbox,
    id=st.uuids().map(str),
    uid=st.sampled_from(UIDS),
    revision=st.sampled_from(UIDS),
    attempt=st.integers(0, 3),
    ready=st.booleans(),
    created_at_ns=moments,
    ips=st.sampled_from(((), ("10.0.0.2",))),
    host_network=st.booleans(),
    grace_s=st.integers(0, 60),
    containers=st.lists(containers, max_size=5).map(tuple),
)


@st.composite
def pods(draw: st.DrawFn) -> wanted.WantedPod:
    uid = draw(st.sampled_from(UIDS))
    inits = [core.Container(name="one", image="i")] * draw(st.integers(0, 1))
    if draw(st.booleans()):
        inits.append(core.Container(name="side", image="i", restartPolicy="Always"))
    spec = core.PodSpec(
        containers=[
            core.Container(name=n, image="i") for n in ("a", "b")[: draw(st.integers(1, 2))]
        ],
        initContainers=inits,
        restartPolicy=draw(st.sampled_from(("Always", "OnFailure", "Never", None))),
        hostNetwork=draw(st.booleans()),
    )
    return wanted.WantedPod(
        key=KEY,
        uid=uid,
        revision=draw(st.sampled_from(UIDS)),
        pod=core.Pod(metadata=core.ObjectMeta(name=KEY.name), spec=spec),
        source="file",
        origin="/m/web.yaml",
        seen=datetime(2030, 1, 1, tzinfo=UTC),
        incarnation=draw(st.integers(0, 1)),
    )


@st.composite
def situations(draw: st.DrawFn) -> steps.Situation:
    seen = draw(st.lists(sandboxes, max_size=4))
    seen.sort(key=lambda s: s.created_at_ns, reverse=True)
    target = draw(st.none() | pods())
    past = obs.History(
        uid=draw(st.sampled_from(UIDS)),
        incarnation=draw(st.none() | st.integers(0, 1)),
        doomed=frozenset(s.id for s in seen if draw(st.booleans()) and draw(st.booleans())),
        initialized=draw(st.sampled_from(["", *(s.id for s in seen)])),
        counts=draw(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 9), max_size=2)),
    )
    for container in draw(st.lists(containers, max_size=4)):
        past = past.with_exit(replace(container, state=port.ContainerState.EXITED), RULE, NOW)
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=2)):
        past = past.with_fault(name, "CreateContainerError", "no", draw(moments))
    if draw(st.booleans()):
        fault = obs.next_fault(None, "FailedCreatePodSandBox", "no", draw(moments))
        past = replace(past, sandbox_fault=fault)
    there = view.ImageView(state=view.State.PRESENT)
    return steps.Situation(
        target=target,
        seen=obs.Observed(sandboxes=tuple(seen)),
        past=past,
        images={name: there for name in NAMES if draw(st.integers(0, 3))},
        now_ns=NOW,
        uncleaned=frozenset(draw(st.lists(st.sampled_from(("u1", "u9")), max_size=2))),
    )


def of_kind(made: steps.Plan, kind: type[steps.Action]) -> list[steps.Action]:
    return [each for each in made.actions if isinstance(each, kind)]


@SOME
@given(situations())
def test_a_plan_depends_on_the_situation_alone(now: steps.Situation) -> None:
    assert planning.plan(now) == planning.plan(now)


@SOME
@given(situations())
def test_no_sandbox_is_made_while_anything_of_the_key_lives(now: steps.Situation) -> None:
    made = planning.plan(now)
    if of_kind(made, steps.RunSandbox):
        assert not any(s.alive for s in now.seen.sandboxes)
        (run,) = made.actions
        assert isinstance(run, steps.RunSandbox)
        taken = {s.attempt for s in now.seen.sandboxes if now.target and s.uid == now.target.uid}
        assert run.attempt not in taken


@SOME
@given(situations())
def test_containers_start_only_in_the_one_living_sandbox_of_this_very_content(
    now: steps.Situation,
) -> None:
    for start in of_kind(planning.plan(now), steps.Start):
        assert isinstance(start, steps.Start)
        box = now.seen.sandbox(start.sandbox_id)
        assert box is not None
        assert now.target is not None
        assert box.ready
        assert box.id not in now.past.doomed
        assert (box.uid, box.revision) == (now.target.uid, now.target.revision)
        assert [s.id for s in now.seen.sandboxes if s.alive] == [box.id]
        newest = box.newest(start.name)
        assert newest is None or not newest.running


@SOME
@given(situations())
def test_a_start_counts_higher_than_every_one_before(now: steps.Situation) -> None:
    for start in of_kind(planning.plan(now), steps.Start):
        assert isinstance(start, steps.Start)
        assert now.target is not None
        before = [
            c.restart_count
            for s in now.seen.sandboxes
            for c in s.containers
            if s.uid == now.target.uid and c.name == start.name
        ]
        assert start.restart_count > max(before, default=-1)


@SOME
@given(situations())
def test_what_ended_under_never_is_not_started_again(now: steps.Situation) -> None:
    if now.target is None or ends.restart_policy(now.target.pod) != "Never":
        return
    sidecars = {c.name for c in fields.init_containers(now.target.pod) if fields.is_sidecar(c)}
    for start in of_kind(planning.plan(now), steps.Start):
        assert isinstance(start, steps.Start)
        own = [
            s
            for s in now.seen.sandboxes
            if (s.uid, s.revision) == (now.target.uid, now.target.revision)
            and s.id not in now.past.doomed
        ]
        newest = next((c for s in own if (c := s.newest(start.name))), None)
        regular = start.name in {c.name for c in fields.containers(now.target.pod)}
        assert start.name in sidecars or not regular or newest is None or not newest.exited


@SOME
@given(situations())
def test_at_most_one_init_container_starts_and_none_beside_another(now: steps.Situation) -> None:
    if now.target is None:
        return
    inits = {c.name for c in fields.init_containers(now.target.pod) if not fields.is_sidecar(c)}
    regular = {c.name for c in fields.containers(now.target.pod)}
    starts = [a for a in planning.plan(now).actions if isinstance(a, steps.Start)]
    starting = [each for each in starts if each.name in inits]
    assert len(starting) <= 1
    for start in starting:
        box = now.seen.sandbox(start.sandbox_id)
        assert box is not None
        assert not any(c.running and c.name in inits for c in box.containers)
        assert now.past.initialized != box.id
        assert not any(c.name in regular for c in box.containers)
        assert not [each for each in starts if each.name in regular]


@SOME
@given(situations())
def test_nothing_that_may_live_is_removed_before_it_is_stopped(now: steps.Situation) -> None:
    for removal in of_kind(planning.plan(now), steps.RemoveSandbox):
        assert isinstance(removal, steps.RemoveSandbox)
        box = now.seen.sandbox(removal.sandbox_id)
        assert box is not None
        assert not box.alive


@SOME
@given(situations())
def test_a_plan_without_actions_wakes_in_the_future(now: steps.Situation) -> None:
    made = planning.plan(now)
    if not made.actions and made.wake_at_ns is not None:
        assert made.wake_at_ns > now.now_ns
    assert all(0 <= each.delay_s <= RULE.max_s for each in now.past.crashes.values())


@SOME
@given(situations())
def test_ending_ends_from_anywhere_and_leaves_nothing(now: steps.Situation) -> None:
    now = replace(now, target=None)
    for _ in range(3):
        made = planning.plan(now)
        now = performed(now, made)
        if any(isinstance(each, steps.End) for each in made.actions):
            assert now.seen.sandboxes == ()
            assert now.uncleaned == frozenset()
            return
    raise AssertionError("it does not end")


@SOME
@given(situations())
def test_where_all_goes_well_a_plan_comes_to_rest(now: steps.Situation) -> None:
    """Without exits and with every image, a bounded number of plans leads to none."""
    if now.target is None:
        return
    uncleaned = now.uncleaned - {now.target.uid}
    there = view.ImageView(state=view.State.PRESENT)
    now = replace(now, images=dict.fromkeys(NAMES, there), uncleaned=uncleaned)
    for _ in range(10):
        made = planning.plan(now)
        if not made.actions:
            break
        now = performed(now, made)
    else:
        raise AssertionError(f"it goes on and on: {made}")
    assert len([s for s in now.seen.sandboxes if s.alive]) <= 1


def performed(now: steps.Situation, made: steps.Plan) -> steps.Situation:
    """The situation after every step went well."""
    seen, past, uncleaned = now.seen, now.past, now.uncleaned
    for action in made.actions:
        match action:
            case steps.Stop():
                box = seen.sandbox(action.sandbox_id)
                assert box is not None
                dead = tuple(
                    replace(c, state=port.ContainerState.EXITED) if c.alive else c
                    for c in box.containers
                )
                seen = seen.with_sandbox(replace(box, ready=False, containers=dead))
            case steps.RunSandbox():
                assert now.target is not None
                box = obs.ObservedSandbox(
                    id=f"new-{action.attempt}",
                    uid=now.target.uid,
                    revision=now.target.revision,
                    attempt=action.attempt,
                    ready=True,
                    created_at_ns=NOW,
                    host_network=fields.host_network(now.target.pod),
                    ips=("10.0.0.3",),
                )
                seen = seen.with_sandbox(box)
            case steps.Start():
                started = obs.ObservedContainer(
                    id=f"new-{action.name}-{action.restart_count}",
                    name=action.name,
                    restart_count=action.restart_count,
                    state=port.ContainerState.RUNNING,
                    created_at_ns=NOW,
                )
                seen = seen.with_container(action.sandbox_id, started)
            case steps.RemoveContainer():
                seen = seen.without_container(action.container_id)
            case steps.RemoveSandbox():
                box = seen.sandbox(action.sandbox_id)
                uncleaned |= {box.uid} if box else set()
                uncleaned -= {now.target.uid} if now.target else set()
                seen = seen.without_sandbox(action.sandbox_id)
            case steps.CleanUp():
                uncleaned -= {action.uid}
            case steps.End():
                pass
    return replace(now, seen=seen, past=past, uncleaned=uncleaned)
