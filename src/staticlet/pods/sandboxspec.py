"""From a wanted pod to the sandbox that the runtime is asked for.

Follows `generatePodSandboxConfig`. The seccomp profile of the sandbox itself is always the
runtime's default: the pause process needs no more.
"""

from __future__ import annotations

from staticlet.config.settings import Settings
from staticlet.kube import core
from staticlet.pods import cgroups, dns, fields, hosts, labels, paths, security
from staticlet.pods.node import NodeFacts
from staticlet.pods.wanted import WantedPod
from staticlet.runtime import port


def sandbox_config(
    wanted: WantedPod, *, attempt: int, node: NodeFacts, settings: Settings
) -> port.SandboxConfig:
    """The sandbox of a pod; the same arguments give the same sandbox.

    Args:
        wanted: The pod.
        attempt: How many sandboxes this UID had before.
        node: The machine.
        settings: The agent's settings; `root_dir` must be a real path.

    Raises:
        PodFault: The pod's full name is too long for a host name.
        UnsafeName: A name of the pod would lead out of its directories.
    """
    pod = wanted.pod
    context = fields.security(pod)
    return port.SandboxConfig(
        name=wanted.key.name,
        namespace=wanted.key.namespace,
        uid=wanted.uid,
        attempt=attempt,
        hostname=hosts.sandbox_hostname(wanted, cluster_domain=settings.cluster_domain),
        log_directory=str(paths.of(wanted.key, wanted.uid, settings).log_directory),
        dns=dns.pod_dns(wanted, node=node, settings=settings).config,
        port_mappings=port_mappings(pod),
        labels=labels.sandbox_labels(wanted, settings.root_dir),
        annotations=labels.sandbox_annotations(wanted, settings.root_dir),
        cgroup_parent=cgroups.parent(pod, wanted.uid, node=node, settings=settings),
        sysctls={sysctl.name: sysctl.value for sysctl in context.sysctls or ()},
        namespaces=security.namespaces(pod),
        privileged=security.is_privileged(pod),
        run_as_user=context.runAsUser,
        run_as_group=context.runAsGroup,
        supplemental_groups=security.supplemental_groups(pod),
        seccomp=port.SecurityProfile(type=port.ProfileType.RUNTIME_DEFAULT),
        selinux=security.selinux(context.seLinuxOptions),
    )


def port_mappings(pod: core.Pod) -> tuple[port.PortMapping, ...]:
    """The ports of the regular containers, those without a host port too, and of sidecars."""
    sidecars = [one for one in fields.init_containers(pod) if fields.is_sidecar(one)]
    return tuple(
        port.PortMapping(
            protocol=entry.protocol or "TCP",
            container_port=entry.containerPort,
            host_port=entry.hostPort or 0,
            host_ip=entry.hostIP or "",
        )
        for container in (*sidecars, *fields.containers(pod))
        for entry in container.ports or ()
    )
