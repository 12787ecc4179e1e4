"""What the commands that steer decide and say: which container, whether a pod runs again."""

import pytest

from staticlet.cli import getpods, logs, podrows, restart


def pod(*containers, inits=(), default=None, statuses=(), **status):
    annotations = {logs.DEFAULT_CONTAINER: default} if default else {}
    return {
        "metadata": {"name": "web-n1", "namespace": "default", "annotations": annotations},
        "spec": {
            "containers": [{"name": name} for name in containers],
            "initContainers": [{"name": name} for name in inits],
        },
        "status": {"containerStatuses": [*statuses], **status},
    }


def test_the_only_container_is_meant_and_nothing_is_said():
    assert logs.choose(pod("a"), None) == ("a", "")


def test_of_several_the_first_is_meant_and_that_is_said_as_kubectl_says_it():
    chosen = logs.choose(pod("a", "b", inits=("i",)), None)
    assert chosen == ("a", 'Defaulted container "a" out of: a, b, i (init)')


def test_the_annotation_says_which_container_is_meant():
    assert logs.choose(pod("a", "b", default="b"), None) == ("b", "")
    assert logs.choose(pod("a", inits=("i",), default="i"), None) == ("i", "")


def test_an_annotation_that_names_none_is_told_and_the_first_is_meant():
    chosen, told = logs.choose(pod("a", "b", default="c"), None)
    assert chosen == "a"
    assert told.splitlines() == [
        'Default container name "c" not found in pod web-n1',
        'Defaulted container "a" out of: a, b',
    ]


def test_a_container_that_was_named_is_meant_whatever_else_there_is():
    assert logs.choose(pod("a", "b", default="b"), "a") == ("a", "")


def test_all_containers_come_in_the_order_in_which_they_start():
    assert logs.all_names(pod("a", "b", inits=("i",))) == ["i", "a", "b"]


def status(name="main", container_id="c1", **state):
    return {"name": name, "containerID": container_id, "state": state}


RUNS = {"running": {}}
ENDED = {"terminated": {"exitCode": 0}}
WAITS = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}


@pytest.mark.parametrize(
    ("statuses", "again"),
    [
        ((status(container_id="c0", **RUNS),), False),
        ((status(**RUNS),), True),
        ((status(**ENDED),), True),
        ((status(container_id=None, waiting={"reason": "ContainerCreating"}),), False),
        ((status(**RUNS), status("b", "c0", **RUNS)), False),
        ((status(**RUNS), status("b", "c2", **ENDED)), True),
        ((), False),
    ],
)
def test_a_pod_runs_again_when_every_container_has_begun_another_life(statuses, again):
    assert restart.runs_again(pod(statuses=statuses), frozenset({"c0"})) is again


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (pod(statuses=(status(**WAITS),)), "container main: CrashLoopBackOff: back-off 10s"),
        (pod(message="FailedMount: no such disk"), "FailedMount: no such disk"),
        (
            pod(statuses=(status(container_id="c0", **RUNS),)),
            "container main is still being stopped",
        ),
        (
            pod(initContainerStatuses=[status("setup", "c2", **RUNS)]),
            "init container setup still runs",
        ),
        (pod(phase="Pending"), "its phase is Pending; see `staticlet describe pod`"),
    ],
)
def test_what_keeps_a_pod_from_running_again_is_told(shown, words):
    assert restart.why_not(shown, frozenset({"c0"})) == words


def event(kind, phase="Running", labels=None):
    item = pod("a", statuses=(), phase=phase)
    item["metadata"]["labels"] = labels or {"app": "web"}
    return {"type": kind, "object": item}


def wanted(item):
    return item["metadata"]["labels"]["app"] == "web"


def seen(*events, output=""):
    told = {}
    form = podrows.Form(output=output)
    return [getpods.news(one, told, wanted, form) is not None for one in events]


def test_a_row_is_news_only_when_something_in_it_is():
    added = event("ADDED")
    noise = event("MODIFIED")
    noise["object"]["status"]["hostIP"] = "192.0.2.1"
    assert seen(added, noise, event("MODIFIED", "Failed")) == [True, False, True]
    assert seen(added, noise, output="json") == [True, True]


def test_a_pod_that_is_gone_or_no_longer_chosen_is_told_once():
    assert seen(event("ADDED"), event("DELETED"), event("DELETED")) == [True, True, False]
    other = event("MODIFIED", labels={"app": "db"})
    assert seen(event("ADDED"), other, other) == [True, True, False]
    assert seen(event("ADDED", labels={"app": "db"})) == [False]
