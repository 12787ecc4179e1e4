"""Rows of pods: which restarts are counted."""

from datetime import UTC, datetime

from staticlet.kube import core, table

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def status(name, restarts, **state):
    return core.ContainerStatus(
        name=name,
        image="i",
        imageID="",
        ready=True,
        restartCount=restarts,
        started=True,
        state=core.ContainerState(**state),
    )


def restarts(*, init_state):
    running = {"running": core.ContainerStateRunning()}
    made = core.Pod(
        metadata=core.ObjectMeta(name="web-n1"),
        spec=core.PodSpec(
            initContainers=[
                core.Container(name="setup", image="i"),
                core.Container(name="proxy", image="i", restartPolicy="Always"),
            ],
            containers=[core.Container(name="main", image="i")],
        ),
        status=core.PodStatus(
            phase="Running",
            initContainerStatuses=[
                status("setup", 4, **init_state),
                status("proxy", 2, **running),
            ],
            containerStatuses=[status("main", 1, **running)],
        ),
    )
    return table.pod_row(made, NOW).restarts


def test_restarts_of_an_init_container_are_forgotten_once_it_is_through():
    done = core.ContainerStateTerminated(exitCode=0)
    assert restarts(init_state={"terminated": done}) == "3"


def test_while_init_containers_run_their_restarts_are_told():
    failed = core.ContainerStateTerminated(exitCode=1)
    assert restarts(init_state={"terminated": failed}) == "6"
