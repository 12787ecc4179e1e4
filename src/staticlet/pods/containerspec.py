"""From a wanted pod and one of its containers to what the runtime is asked for.

Follows `generateContainerConfig`. All devices of the machine in a privileged container are the
runtime's business; the port names none.
"""

from __future__ import annotations

from staticlet.config.settings import Settings
from staticlet.kube import core
from staticlet.pods import env, fields, labels, mounts, paths, resources, security
from staticlet.pods.apiobjects import held as apiobjects
from staticlet.pods.faults import ConfigFault
from staticlet.pods.node import NodeFacts
from staticlet.pods.wanted import WantedPod
from staticlet.runtime import port


def container_config(
    wanted: WantedPod,
    container: core.Container,
    *,
    restart_count: int,
    image: port.Image,
    ips: tuple[str, ...],
    prepared: mounts.Prepared,
    node: NodeFacts,
    settings: Settings,
    held: apiobjects.Holdings = apiobjects.NONE,
) -> port.ContainerConfig:
    """One start of a container.

    Args:
        wanted: The pod.
        container: One of its containers.
        restart_count: How many starts it had before.
        image: Its image, which is present.
        ips: The sandbox's addresses; empty on the host network.
        prepared: What was made ready for this start on the machine.
        node: The machine.
        settings: The agent's settings.
        held: What is known of the API's objects that the pod refers to.

    Raises:
        ConfigFault: The container can not be made as the manifest wants it.
    """
    around = env.Surroundings(wanted=wanted, node=node, ips=ips, held=held)
    values = env.environment(container, around)
    return port.ContainerConfig(
        name=container.name,
        attempt=restart_count,
        image=image.id,
        user_specified_image=container.image or "",
        command=tuple(env.expand(word, values) for word in container.command or ()),
        args=tuple(env.expand(word, values) for word in container.args or ()),
        working_dir=container.workingDir or "",
        envs=tuple(values.items()),
        mounts=mounts.mounts(wanted.pod, container, prepared),
        labels=labels.container_labels(wanted, container.name, settings.root_dir),
        annotations=labels.container_annotations(wanted, container, restart_count=restart_count),
        log_path=paths.log_path(container.name, restart_count),
        stdin=bool(container.stdin),
        stdin_once=bool(container.stdinOnce),
        tty=bool(container.tty),
        resources=resources.container_resources(
            wanted.pod, container, node=node, settings=settings
        ),
        security=security.container_security(wanted, container, image=image, settings=settings),
    )


def container_of(pod: core.Pod, name: str) -> core.Container:
    """The init or regular container of this name.

    Raises:
        ConfigFault: The pod has none.
    """
    for container in fields.all_containers(pod):
        if container.name == name:
            return container
    raise ConfigFault(f"container {name} not found")
