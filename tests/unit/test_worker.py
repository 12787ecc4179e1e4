"""The worker: what it does with a plan's steps, their faults, and news that come in between."""

from dataclasses import replace

import pytest

from staticlet.pods import tools
from staticlet.runtime import port
from staticlet.testing.oneworker import Machine, pod, settle, working


@pytest.fixture
async def machine():
    return Machine()


async def test_a_wanted_pod_is_looked_for_and_then_started(machine):
    async with working(machine, pod()):
        assert machine.done == [("look",), ("run", "u1", 0), ("start", "u1", "main", 0)]


async def test_where_nothing_can_be_nobody_looks(machine):
    async with working(machine, pod(), look=False):
        assert machine.done == [("run", "u1", 0), ("start", "u1", "main", 0)]


async def test_the_kernels_word_of_an_exit_leads_to_a_restart_at_once(machine):
    async with working(machine, pod()):
        machine.done.clear()
        machine.callbacks[machine.running_pid()]()
        await settle()
        assert machine.done == [("exit", "c-u1-main-0"), ("start", "u1", "main", 1)]


async def test_a_second_crash_waits_and_wakes_by_itself(machine):
    async with working(machine, pod()) as made:
        for _ in range(2):
            machine.callbacks[machine.running_pid()]()
            await settle()
        assert str(made.report().waits["main"]) == (
            "waiting to restart container main: exited 137, back-off 10s"
        )
        machine.time.pass_by(10)
        made.wake()
        await settle()
        assert ("start", "u1", "main", 2) in machine.done


async def test_the_death_of_the_sandbox_is_noticed_and_mended(machine):
    async with working(machine, pod()):
        machine.done.clear()
        machine.callbacks[1]()
        await settle()
        assert machine.done[:4] == [
            ("sandbox exit", "s-u1-0"),
            ("stop", "u1", 30),
            ("run", "u1", 1),
            ("start", "u1", "main", 1),
        ]


async def test_a_change_stops_the_old_pod_then_starts_the_new_one_and_clears_away(machine):
    async with working(machine, pod()) as made:
        machine.done.clear()
        machine.time.pass_by(1)
        made.wish(pod(uid="u2"))
        await settle()
        assert [d for d in machine.done if d[0] != "forget"] == [
            ("stop", "u1", 30),
            ("run", "u2", 0),
            ("start", "u2", "main", 0),
            ("remove", "s-u1-0"),
            ("clean", "u1"),
        ]


async def test_a_change_whose_image_is_missing_leaves_the_old_pod_alone_and_restarts_it(machine):
    async with working(machine, pod()) as made:
        present = machine.views
        machine.views = lambda pod, counts: present(pod, counts) if pod.uid == "u1" else {}
        machine.done.clear()
        made.wish(pod(uid="u2"))
        await settle()
        assert machine.done == []
        assert ("u2", {"main": 0}) in machine.asked
        machine.callbacks[machine.running_pid()]()
        await settle()
        assert machine.done == [("exit", "c-u1-main-0"), ("start", "u1", "main", 1)]
        machine.views = present
        made.wake()
        await settle()
        assert ("start", "u2", "main", 0) in machine.done


async def test_a_removed_manifest_ends_the_worker_with_nothing_left(machine):
    async with working(machine, pod()) as made:
        made.wish(None)
        await settle()
        assert made.ended
        assert machine.sandboxes == {}
        assert machine.done[-2:] == [("remove", "s-u1-0"), ("clean", "u1")]


async def test_a_removal_and_return_in_one_wish_restarts_the_pod_once(machine):
    async with working(machine, pod()) as made:
        machine.done.clear()
        machine.time.pass_by(1)
        made.wish(pod(incarnation=1))
        await settle()
        assert [d[0] for d in machine.done] == ["stop", "run", "start", "remove"]
        assert ("start", "u1", "main", 1) in machine.done


async def test_a_failed_stop_is_tried_again_and_nothing_starts_before_it_succeeds(machine):
    async with working(machine, pod()) as made:
        machine.done.clear()
        machine.faults["stop"] = [tools.StepFault("FailedKillPod", "stuck")]
        made.wish(pod(uid="u2"))
        await settle()
        assert not any(d[0] == "run" for d in machine.done)
        trouble = made.report().trouble
        assert trouble is not None
        assert trouble.message == "stuck"
        machine.time.pass_by(1)
        made.wake()
        await settle()
        assert ("start", "u2", "main", 0) in machine.done
        assert made.report().trouble is None


async def test_a_failed_start_asks_for_the_image_anew_and_waits(machine):
    machine.faults["start"] = [tools.StepFault("CreateContainerError", "no such image")]
    async with working(machine, pod()) as made:
        assert ("image gone", "main") in machine.done
        assert made.report().past.faults["main"].reason == "CreateContainerError"
        machine.time.pass_by(1)
        made.wake()
        await settle()
        assert made.report().past.faults == {}


async def test_a_lost_runtime_is_waited_for_and_looked_at_anew(machine):
    machine.faults["run"] = [port.Unavailable("gone")]
    async with working(machine, pod()):
        assert [str(fault) for fault in machine.lost_with] == ["gone"]
        machine.done.clear()
        machine.up.set()
        await settle()
        assert machine.done[:2] == [("look",), ("run", "u1", 0)]


async def test_an_exit_that_happened_while_the_runtime_was_away_counts_once(machine):
    async with working(machine, pod()) as made:
        box = machine.sandboxes["s-u1-0"]
        dead = tuple(machine.dead(c, 1) for c in box.containers)
        machine.sandboxes["s-u1-0"] = replace(box, containers=dead)
        made.doubt()
        await settle()
        assert made.past.crashes["main"].exits == 1
        assert machine.done[-1] == ("start", "u1", "main", 1)


async def test_an_adopted_pod_is_left_as_it_is(machine):
    async with working(machine, pod()):
        pass
    machine.done.clear()
    async with working(machine, pod()):
        assert machine.done == [("look",)]


async def test_the_same_wish_again_makes_nobody_plan(machine):
    want = pod()
    async with working(machine, want) as made:
        plans, views = [], machine.views
        machine.views = lambda *asked: plans.append(asked) or views(*asked)
        made.wish(want)
        await settle()
        assert plans == []
        made.wish(replace(want, origin="/m/renamed.yaml"))
        await settle()
        assert plans


async def test_a_change_made_while_nobody_looked_waits_for_its_image_too(machine):
    async with working(machine, pod()):
        pass
    machine.done.clear()
    machine.remembered["s-u1-0"] = pod()
    present = machine.views
    machine.views = lambda pod, counts: present(pod, counts) if pod.uid == "u1" else {}
    async with working(machine, pod(uid="u2")) as made:
        assert machine.done == [("look",)]
        machine.views = present
        made.wake()
        await settle()
        assert [d[0] for d in machine.done[1:5]] == ["forget", "stop", "run", "start"]


async def test_a_predecessor_that_nobody_can_recall_is_replaced_at_once(machine):
    async with working(machine, pod()):
        pass
    machine.done.clear()
    machine.time.pass_by(1)
    async with working(machine, pod(uid="u2")):
        assert [d[0] for d in machine.done] == ["look", "stop", "run", "start", "remove", "clean"]


async def test_a_pod_that_is_removed_while_it_waits_for_its_turn_never_starts(machine):
    async with working(machine, pod(), turns=0) as made:
        assert machine.done == [("look",)]
        made.wish(None)
        machine.turns.release()
        await settle()
        assert made.ended
        assert not any(d[0] in ("run", "start") for d in machine.done)


async def test_a_pod_at_rest_gives_its_turn_back(machine):
    async with working(machine, pod()):
        assert not machine.turns.locked()


@pytest.mark.parametrize("step", ["look", "exit", "sandbox exit"])
async def test_a_runtime_that_cannot_be_asked_is_asked_again_after_a_pause(machine, step):
    async with working(machine, pod()) as made:
        box = machine.sandboxes["s-u1-0"]
        dead = tuple(machine.dead(c, 1) for c in box.containers)
        machine.sandboxes[box.id] = replace(box, containers=dead, ready=step != "sandbox exit")
        machine.faults[step] = [tools.StepFault("RuntimeFault", "ttrpc: closed")]
        machine.done.clear()
        ended = {"look": made.doubt, "sandbox exit": machine.callbacks[1]}
        ended.get(step, machine.callbacks[machine.running_pid()])()
        await settle()
        assert [d[0] for d in machine.done] == [step]
        machine.time.pass_by(1)
        made.wake()
        await settle()
        assert made.past.crashes["main"].exits == 1
        assert ("start", "u1", "main", 1) in machine.done


async def test_what_was_removed_is_cleared_away_also_when_the_answer_is_lost(machine):
    async with working(machine, pod()):
        pass
    machine.faults["remove"] = [port.Unavailable("gone")]
    async with working(machine, None) as made:
        assert machine.done[-1] == ("remove", "s-u1-0")
        machine.sandboxes.clear()  # the runtime did it, and went away before it said so
        machine.up.set()
        await settle()
        assert machine.done[-2:] == [("look",), ("clean", "u1")]
        assert made.ended
