"""What a pod needs next: every rule of the plan, one sentence each."""

from dataclasses import replace
from datetime import UTC, datetime

from staticlet.kube import core
from staticlet.pods import observed as obs
from staticlet.pods import plan as planning
from staticlet.pods import served, steps, wanted
from staticlet.pods.images import view
from staticlet.runtime import port

NOW = 1_000_000 * obs.SECOND_NS
READY = view.ImageView(state=view.State.PRESENT)
PULLING = view.ImageView(state=view.State.PULLING)
RULE = obs.BackoffRule()


def pod(
    *names, policy="Always", init=(), uid="u1", revision=None, incarnation=0, host_network=True
):
    spec = core.PodSpec(
        containers=[core.Container(name=n, image="i") for n in (names or ("main",))],
        initContainers=[
            n if isinstance(n, core.Container) else core.Container(name=n, image="i") for n in init
        ],
        restartPolicy=policy,
        hostNetwork=host_network,
    )
    return wanted.WantedPod(
        key=wanted.PodKey("default", "web-node1"),
        uid=uid,
        revision=revision or uid,
        incarnation=incarnation,
        pod=core.Pod(metadata=core.ObjectMeta(name="web-node1"), spec=spec),
        source="file",
        origin="/m/web.yaml",
        seen=datetime(2026, 1, 1, tzinfo=UTC),
    )


def container(name="main", *, count=0, state=port.ContainerState.RUNNING, code=0, **more):
    ended = NOW if state is port.ContainerState.EXITED else 0
    values = {
        "id": f"{name}-{count}",
        "name": name,
        "restart_count": count,
        "state": state,
        "created_at_ns": NOW + count,
        "started_at_ns": NOW - obs.SECOND_NS,
        "finished_at_ns": ended,
        "exit_code": code,
    }
    return obs.ObservedContainer(**{**values, **more})


def exited(name="main", *, count=0, code=1, **more):
    return container(name, count=count, state=port.ContainerState.EXITED, code=code, **more)


def sandbox(*containers, sid="s0", uid="u1", attempt=0, ready=True, **more):
    values = {
        "id": sid,
        "uid": uid,
        "revision": uid,
        "attempt": attempt,
        "ready": ready,
        "host_network": True,
        "created_at_ns": NOW + attempt,
        "grace_s": 7,
        "containers": containers,
    }
    return obs.ObservedSandbox(**{**values, **more})


def seen(*sandboxes):
    return obs.Observed(sandboxes=tuple(reversed(sandboxes)))


def situation(target, *sandboxes, past=None, images=None, now=NOW, uncleaned=()):
    names = [c.name for c in target.pod.spec.containers] if target else []
    names += [c.name for c in target.pod.spec.initContainers] if target else []
    return steps.Situation(
        target=target,
        seen=seen(*sandboxes),
        past=past or obs.History(uid=target.uid if target else "", incarnation=0),
        images=images if images is not None else dict.fromkeys(names, READY),
        now_ns=now,
        uncleaned=frozenset(uncleaned),
    )


def actions(*args, **kwargs):
    return [
        (type(a).__name__, *(getattr(a, f) for f in a.__slots__ if f != "why"))
        for a in planning.plan(situation(*args, **kwargs)).actions
    ]


def test_a_new_pod_gets_a_sandbox_and_asks_for_its_images():
    made = planning.plan(situation(pod("a", "b"), images={}))
    assert [type(a).__name__ for a in made.actions] == ["RunSandbox"]
    assert made.needs == {"a": 0, "b": 0}


def test_containers_start_in_order_once_the_sandbox_is_ready():
    assert actions(pod("a", "b"), sandbox()) == [("Start", "s0", "a", 0), ("Start", "s0", "b", 0)]


def test_a_container_waits_for_its_image_while_others_start():
    made = planning.plan(situation(pod("a", "b"), sandbox(), images={"a": PULLING, "b": READY}))
    assert [a.name for a in made.actions] == ["b"]
    assert made.needs == {"a": 0}


def test_a_running_pod_needs_nothing():
    made = planning.plan(situation(pod(), sandbox(container())))
    assert made == steps.Plan()


def test_a_first_crash_restarts_at_once_and_counts():
    past = obs.History(uid="u1", incarnation=0).with_exit(exited(), RULE, NOW)
    assert actions(pod(), sandbox(exited()), past=past) == [("Start", "s0", "main", 1)]


def test_a_second_crash_waits_ten_seconds_and_the_third_twenty():
    past = obs.History(uid="u1", incarnation=0)
    for count, delay in ((0, 0), (1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 300), (7, 300)):
        dead = exited(count=count)
        past = past.with_exit(dead, RULE, NOW)
        at_once = planning.plan(situation(pod(), sandbox(dead), past=past))
        later = planning.plan(
            situation(pod(), sandbox(dead), past=past, now=NOW + delay * obs.SECOND_NS)
        )
        assert bool(at_once.actions) == (delay == 0)
        assert at_once.wake_at_ns == (NOW + delay * obs.SECOND_NS if delay else None)
        assert later.actions[0] == steps.Start(
            sandbox_id="s0",
            name="main",
            restart_count=count + 1,
            why=later.actions[0].why,
        )


def test_one_exit_is_counted_once_however_often_it_is_seen():
    dead = exited()
    past = obs.History().with_exit(dead, RULE, NOW).with_exit(dead, RULE, NOW)
    assert past.crashes["main"].exits == 1


def test_ten_minutes_of_running_forget_earlier_crashes():
    past = obs.History(uid="u1")
    for count in range(5):
        past = past.with_exit(exited(count=count), RULE, NOW)
    healthy = exited(count=5, started_at_ns=NOW - 601 * obs.SECOND_NS)
    assert past.with_exit(healthy, RULE, NOW).crashes["main"].delay_s == 0


def test_on_failure_leaves_a_success_alone_and_restarts_a_failure():
    done, failed = exited("a", code=0), exited("b", code=3)
    assert actions(pod("a", "b", policy="OnFailure"), sandbox(done, failed)) == [
        ("Start", "s0", "b", 1)
    ]


def test_never_starts_nothing_twice_and_stops_the_sandbox_at_the_end():
    assert actions(pod(policy="Never"), sandbox(exited(code=1))) == [("Stop", "s0", 7)]
    assert actions(pod(policy="Never"), sandbox(exited(code=1), ready=False)) == []


def test_a_finished_pod_keeps_its_dead_containers():
    target = pod(policy="OnFailure")
    assert actions(target, sandbox(exited(code=0), ready=False)) == []


def test_init_containers_run_one_after_the_other():
    target = pod(init=("one", "two"))
    assert actions(target, sandbox()) == [("Start", "s0", "one", 0)]
    assert actions(target, sandbox(container("one"))) == []
    assert actions(target, sandbox(exited("one", code=0))) == [("Start", "s0", "two", 0)]
    both = (exited("one", code=0), exited("two", code=0))
    assert actions(target, sandbox(*both)) == [("Start", "s0", "main", 0)]


def test_a_failed_init_container_is_tried_again_unless_the_policy_is_never():
    failed = sandbox(exited("one", code=1))
    assert actions(pod(init=("one",)), failed) == [("Start", "s0", "one", 1)]
    assert actions(pod(init=("one",), policy="Never"), failed) == [("Stop", "s0", 7)]


def test_init_containers_do_not_run_again_when_a_regular_container_crashes():
    target = pod(init=("one",))
    assert actions(target, sandbox(exited("main"))) == [("Start", "s0", "main", 1)]


def test_a_sidecar_starts_before_the_others_and_runs_beside_them():
    side = core.Container(name="side", image="i", restartPolicy="Always")
    target = pod(init=(side,))
    assert actions(target, sandbox()) == [("Start", "s0", "side", 0)]
    assert actions(target, sandbox(container("side"))) == [("Start", "s0", "main", 0)]
    crashed = sandbox(exited("side", code=0), container("main"))
    assert actions(target, crashed) == [("Start", "s0", "side", 1)]


def test_a_changed_pod_is_stopped_before_its_successor_starts():
    target = pod(uid="u2")
    assert actions(target, sandbox(container())) == [("Stop", "s0", 7)]
    dead = sandbox(exited(), ready=False)
    assert actions(target, dead) == [("RunSandbox", 0)]


def test_the_predecessors_leftovers_go_once_the_successor_runs():
    old, new = sandbox(exited(), ready=False), sandbox(container(), sid="s1", uid="u2")
    assert actions(pod(uid="u2"), old, new) == [("RemoveSandbox", "s0"), ("CleanUp", "u1")]


def test_a_fixed_uid_with_new_content_is_replaced_and_keeps_its_directories():
    target = pod(uid="u1", revision="r2")
    assert actions(target, sandbox(container())) == [("Stop", "s0", 7)]
    assert actions(target, sandbox(exited(), ready=False)) == [("RunSandbox", 1)]
    new = sandbox(container(count=1), sid="s1", attempt=1, revision="r2")
    assert actions(target, sandbox(exited(), ready=False), new) == [("RemoveSandbox", "s0")]


def test_two_ready_sandboxes_become_one():
    assert actions(pod(), sandbox(container()), sandbox(sid="s1", attempt=1)) == [
        ("Stop", "s0", 7)
    ]


def test_a_dead_sandbox_is_replaced_with_the_next_attempt_and_counts_go_on():
    dead = sandbox(exited(count=3), ready=False)
    assert actions(pod(), dead) == [("RunSandbox", 1)]
    new = sandbox(sid="s1", attempt=1)
    assert actions(pod(), dead, new) == [("Start", "s1", "main", 4)]


def test_containers_whose_sandbox_died_are_stopped_first():
    assert actions(pod(), sandbox(container(), ready=False)) == [("Stop", "s0", 7)]


def test_a_sandbox_without_address_is_made_anew_unless_it_is_on_the_host_network():
    box = sandbox(container(), host_network=False)
    assert actions(pod(host_network=False), box) == [("Stop", "s0", 7)]
    assert actions(pod(host_network=False), replace(box, ips=("10.0.0.2",))) == []


def test_a_failed_sandbox_is_tried_again_later():
    fault = obs.next_fault(None, "FailedCreatePodSandBox", "no network", NOW)
    past = obs.History(uid="u1", incarnation=0, sandbox_fault=fault)
    made = planning.plan(situation(pod(), past=past))
    assert made.actions == ()
    assert made.wake_at_ns == NOW + obs.SECOND_NS
    assert str(made.waits[""]) == (
        "waiting to make its sandbox: FailedCreatePodSandBox: no network"
    )
    assert actions(pod(), past=past, now=NOW + obs.SECOND_NS) == [("RunSandbox", 0)]


def test_a_failed_start_is_tried_again_later_and_later():
    past = obs.History(uid="u1", incarnation=0)
    for delay in (1, 2, 4, 8, 16, 30, 30):
        past = past.with_fault("main", "CreateContainerError", "no", NOW)
        made = planning.plan(situation(pod(), sandbox(), past=past))
        assert made.wake_at_ns == NOW + delay * obs.SECOND_NS


def test_a_container_that_was_created_and_never_started_is_made_anew():
    created = container(state=port.ContainerState.CREATED)
    assert actions(pod(), sandbox(created)) == [
        ("RemoveContainer", "main-0"),
        ("Start", "s0", "main", 1),
    ]


def test_only_the_last_dead_container_of_a_name_is_kept():
    box = sandbox(exited(count=0), exited(count=1), container(count=2))
    assert actions(pod(), box) == [("RemoveContainer", "main-0")]


def test_a_removed_manifest_stops_removes_and_cleans():
    assert actions(None, sandbox(container())) == [("Stop", "s0", 7)]
    dead = sandbox(exited(), ready=False)
    assert actions(None, dead) == [("RemoveSandbox", "s0"), ("CleanUp", "u1"), ("End",)]


def test_what_never_got_a_sandbox_is_cleaned_all_the_same():
    assert actions(None, uncleaned=("u9",)) == [("CleanUp", "u9"), ("End",)]


def test_a_new_incarnation_dooms_the_sandbox_and_forgets_the_back_off():
    past = obs.History(uid="u1", incarnation=0)
    for count in range(4):
        past = past.with_exit(exited(count=count), RULE, NOW)
    target = pod(incarnation=1)
    box = sandbox(container(count=4))
    past = served.history(past, target, seen(box), NOW)
    assert past.crashes == {}
    assert actions(target, box, past=past) == [("Stop", "s0", 7)]
    dead = sandbox(exited(count=4), ready=False)
    assert actions(target, dead, past=past) == [("RunSandbox", 1)]
    new = sandbox(sid="s1", attempt=1)
    assert actions(target, dead, new, past=past) == [("Start", "s1", "main", 5)]


def test_a_finished_pod_runs_again_when_its_file_is_put_back():
    past = obs.History(uid="u1", incarnation=0)
    done = sandbox(exited(code=0), ready=False)
    target = pod(policy="Never", incarnation=1)
    past = served.history(past, target, seen(done), NOW)
    assert actions(target, done, past=past) == [("RunSandbox", 1)]


def test_the_predecessor_runs_on_until_the_new_image_is_there():
    old, new = pod(), pod(uid="u2")
    running = seen(sandbox(container()))
    assert served.target(new, old, running, {"main": PULLING}) is old
    assert served.target(new, old, running, {"main": READY}) is new


def test_without_a_living_predecessor_there_is_nothing_to_wait_for():
    old, new = pod(), pod(uid="u2")
    assert served.target(new, old, seen(sandbox(exited(), ready=False)), {}) is new
    assert served.target(new, None, seen(), {}) is new
    assert served.target(None, old, seen(sandbox(container())), {}) is None


def test_a_file_that_was_removed_and_put_back_waits_for_no_image():
    old, new = pod(), pod(uid="u2", incarnation=1)
    assert served.target(new, old, seen(sandbox(container())), {}) is new


def test_what_succeeded_in_a_dead_sandbox_does_not_run_again_under_on_failure():
    dead = sandbox(exited("a", code=0), exited("b", code=137), ready=False)
    new = sandbox(sid="s1", attempt=1)
    target = pod("a", "b", policy="OnFailure")
    assert actions(target, dead, new) == [("Start", "s1", "b", 1)]
    later = sandbox(container("b", count=1), sid="s1", attempt=1)
    assert actions(target, dead, later) == []


def test_a_pod_that_is_adopted_keeps_its_age():
    box = sandbox(container())
    assert served.history(obs.History(), pod(), seen(box), NOW + 99).started_at_ns == NOW
    assert served.history(obs.History(), pod(), seen(), NOW + 99).started_at_ns == NOW + 99


def test_a_dead_sandbox_stays_while_it_alone_tells_a_restart_count():
    dead = sandbox(exited("a", count=3), exited("b", count=5), ready=False)
    empty = sandbox(sid="s1", attempt=1)
    target = pod("a", "b")
    waiting = {"a": PULLING, "b": PULLING}
    assert actions(target, dead, empty, images=waiting) == []
    half = sandbox(container("a", count=4), sid="s1", attempt=1)
    assert actions(target, dead, half, images=waiting) == []
    whole = sandbox(container("a", count=4), container("b", count=6), sid="s1", attempt=1)
    assert actions(target, dead, whole) == [("RemoveSandbox", "s0")]
    gone = sandbox(container("a", count=4), sid="s1", attempt=1)
    assert actions(pod("a"), dead, gone) == [("RemoveSandbox", "s0")]
