"""Others on this machine, and what an earlier life of the agent left. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from staticlet.app.doctor import verdict
from staticlet.app.doctor.facts import Agent, Holder, Leftovers, Manifests, OtherAgent, Runtime
from staticlet.app.doctor.verdict import Check, Verdict
from staticlet.config.settings import Settings
from staticlet.pods import labels
from staticlet.runtime import port

_UNASKED = "the runtime could not be asked"


def other_agents(
    settings: Settings,
    runtime: Runtime,
    leftovers: Leftovers,
    listeners: tuple[Holder, ...],
    agent: Agent,
) -> Verdict:
    """A kubelet or another staticlet beside this one, or somebody on its ports."""
    clashes = tuple(
        f"{_named(other)}: {why}"
        for other in leftovers.agents
        if (why := _clash(other, settings, runtime))
    )
    if clashes:
        return verdict.fail(
            "another agent works on what this one works on",
            "stop one of them (systemctl disable --now kubelet), or give each a root directory, "
            "manifests and, beside a kubelet, a runtime of its own",
            *clashes,
        )
    known = {agent.holder, *(other.pid for other in leftovers.agents)}
    held = [each for each in _on_our_ports(settings, listeners) if each.pid not in known]
    if held:
        return verdict.warn(
            f"port {held[0].listener.port}, the kubelet's, is held by "
            f"{held[0].program or 'a process'} (pid {held[0].pid or 'unknown'})",
            "look whether it is an agent too, and stop it if it runs the same pods; else give "
            "this one another port: pods run without, kubectl logs does not",
        )
    if leftovers.agents:
        return verdict.good(
            "beside this one, on things of their own", *map(_named, leftovers.agents)
        )
    return verdict.good("none")


def _on_our_ports(settings: Settings, listeners: tuple[Holder, ...]) -> Iterator[Holder]:
    """Yield who listens where the kubelet's API and its health check are served."""
    ports = {settings.port if settings.enable_server else 0, settings.healthz_port}
    for each in listeners:
        if each.listener.protocol == "TCP" and each.listener.port in ports and not each.of_pod:
            yield each


def _named(other: OtherAgent) -> str:
    return f"{other.program} (pid {other.pid}, root directory {other.root_dir})"


def _clash(other: OtherAgent, settings: Settings, runtime: Runtime) -> str:
    shared = []
    if other.root_dir == str(settings.root_dir):
        shared.append("the same root directory")
    if other.manifests and other.manifests == str(settings.static_pod_path):
        shared.append(f"the same manifests, {other.manifests}")
    if other.program == "kubelet" and other.endpoint and other.endpoint == runtime.path:
        shared.append("the same runtime, where a kubelet removes every pod that it does not know")
    return ", ".join(shared)


def foreign_sandboxes(runtime: Runtime) -> Verdict:
    """Pods on the runtime that are not ours."""
    if runtime.sandboxes is None:
        return verdict.skipped(_UNASKED)
    foreign = [each for each in runtime.sandboxes if each.id not in runtime.owned]
    if not foreign:
        return verdict.good("none: every pod on the runtime is this agent's")
    return verdict.warn(
        f"{verdict.count(len(foreign), 'pod')} on the runtime of somebody else: staticlet leaves "
        "them alone",
        "nothing, if you know them; else remove them: crictl rmp -f ID",
        *map(_foreign, foreign),
    )


def _foreign(sandbox: port.Sandbox) -> str:
    whose = sandbox.annotations.get(labels.ROOT_DIR, "")
    by = f", of the staticlet with root directory {whose}" if whose else ""
    return f"{sandbox.namespace}/{sandbox.name} ({sandbox.id[:13]}){by}"


def unwanted_pods(
    settings: Settings, runtime: Runtime, manifests: Manifests, agent: Agent
) -> Verdict:
    """Pods of ours that no manifest wants any more."""
    if runtime.sandboxes is None:
        return verdict.skipped(_UNASKED)
    if settings.static_pod_path is None or manifests.doubtful or manifests.unread:
        return verdict.skipped("not every manifest could be read, so its pods may be wanted")
    found = [
        each
        for each in runtime.sandboxes
        if each.id in runtime.owned
        and labels.source_of(each) != "http"
        and labels.key_of(each.labels) not in manifests.pods
    ]
    if not found:
        return verdict.good("none")
    remedy = (
        "wait, the agent is ending them; `staticlet get pods -A` shows them"
        if agent.answers
        else "start the agent, which ends them; or remove them: crictl rmp -f ID"
    )
    return verdict.warn(
        f"{verdict.count(len(found), 'pod')} of this agent that no manifest wants",
        remedy,
        *(f"{labels.key_of(each.labels)} ({each.id[:13]})" for each in found),
    )


def stale_mounts(settings: Settings, runtime: Runtime, leftovers: Leftovers) -> Verdict:
    """Mounts of pods that are gone."""
    if runtime.sandboxes is None:
        return verdict.skipped(_UNASKED)
    alive = {each.uid for each in runtime.sandboxes}
    base = f"{settings.root_dir}/pods/"
    stale = [
        each for each in leftovers.mounts if each.removeprefix(base).partition("/")[0] not in alive
    ]
    if stale:
        return verdict.warn(
            f"{verdict.count(len(stale), 'mount')} of pods that are gone",
            "start the agent, which clears its own pods' at start; else umount what is named",
            *stale,
        )
    return verdict.good("none" if not leftovers.mounts else f"{len(leftovers.mounts)}, all in use")


def orphan_directories(runtime: Runtime, manifests: Manifests, leftovers: Leftovers) -> Verdict:
    """Directories of pods that are gone."""
    if runtime.sandboxes is None:
        return verdict.skipped(_UNASKED)
    alive = {each.uid for each in runtime.sandboxes}
    orphans = [
        each
        for each in leftovers.directories
        if each.uid not in alive and each.key not in manifests.pods
    ]
    if orphans:
        return verdict.warn(
            f"{len(orphans)} of pods that are gone",
            "start the agent, which removes its own; those of a kubelet stay: remove them by "
            "hand when no kubelet uses this root directory",
            *(
                f"{each.uid} " + (f"of {each.key}" if each.key else "(not made by staticlet)")
                for each in orphans
            ),
        )
    return verdict.good("none")


def stale_socket(agent: Agent) -> Verdict:
    """The socket of an agent that was killed."""
    if agent.socket_exists and not agent.answers and agent.holder is None:
        return verdict.warn(
            f"{agent.socket} is left of an agent that was killed",
            "nothing: the next start replaces it",
        )
    return verdict.good("none")


CHECKS = (
    Check(
        "other-agents",
        "a kubelet or staticlet on the same root directory, manifests or runtime; its ports",
        other_agents,
    ),
    Check("foreign-sandboxes", "pods on the runtime that are not ours", foreign_sandboxes),
    Check("unwanted-pods", "pods of ours that no manifest wants", unwanted_pods),
    Check("stale-mounts", "mounts of pods that are gone", stale_mounts),
    Check("orphan-directories", "directories of pods that are gone", orphan_directories),
    Check("stale-socket", "the socket of an agent that was killed", stale_socket),
)
