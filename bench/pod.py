"""The pod that is measured: as a manifest for agents, and as bare CRI values for the floor."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from staticlet.runtime import port
from staticlet.testing import containerd

IMAGE = containerd.BUSYBOX_REF
NAMESPACE = f"bench-{os.getpid():x}"
"""One of this run alone."""

GRACE_S = 2
COMMAND = ("sh", "-c", 'trap "exit 0" TERM; while true; do sleep 3600 & wait $!; done')

_HOST_NETWORK = port.Namespaces(network=port.NamespaceMode.NODE)
_MANIFEST = """\
apiVersion: v1
kind: Pod
metadata:
  name: {name}
  namespace: {namespace}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: {grace}
  containers:
  - name: main
    image: {image}
    imagePullPolicy: IfNotPresent
    command: [sh, -c, '{script}']
    env:
    - name: ROUND
      value: "{edition}"
"""


def manifest(name: str, edition: int) -> str:
    """A manifest; another edition of the same name is a changed pod."""
    return _MANIFEST.format(
        name=name,
        namespace=NAMESPACE,
        grace=GRACE_S,
        image=IMAGE,
        script=COMMAND[-1],
        edition=edition,
    )


def sandbox_config(name: str, logs: Path) -> port.SandboxConfig:
    """The least that a runtime must be told of the same pod's sandbox.

    The seccomp profile is the runtime's default, as the kubelet's own calls ask for: a sandbox
    without it is another sandbox, and one that costs the runtime less.
    """
    return port.SandboxConfig(
        name=name,
        namespace="floor",
        uid=uuid.uuid4().hex,
        attempt=0,
        namespaces=_HOST_NETWORK,
        log_directory=str(logs / name),
        seccomp=port.SecurityProfile(type=port.ProfileType.RUNTIME_DEFAULT),
    )


def container_config(*, attempt: int, edition: int) -> port.ContainerConfig:
    """The least that a runtime must be told of its container."""
    return port.ContainerConfig(
        name="main",
        attempt=attempt,
        image=IMAGE,
        command=COMMAND,
        envs=(("ROUND", str(edition)),),
        log_path=f"{attempt}.log",
        security=port.ContainerSecurity(namespaces=_HOST_NETWORK),
    )
