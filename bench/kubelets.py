"""A kubelet of any age in standalone mode: what each has to be told."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from staticlet.testing import kubelet

ONLY_REMOTE = (1, 24)
"""Since then there is no other runtime than a remote one, and no flag that says so."""

RUNTIME_IN_CONFIG = (1, 27)
"""Since then the runtime's endpoint stands in the configuration."""

CAN_DO_WITHOUT_DISK = (1, 25)
"""Since then a machine where no disk can be measured is a setting, no feature gate."""

_VERSION_S = 30.0
_OF_BEFORE = {
    "featureGates": {"DevicePlugins": False, "LocalStorageCapacityIsolation": False},
    "oomScoreAdj": 0,
}


class NoKubelet(Exception):
    """What was given is no kubelet, or does not run here."""


def version(binary: Path) -> tuple[int, int]:
    """A kubelet's version, major and minor.

    Raises:
        NoKubelet: It does not tell.
    """
    try:
        said = subprocess.run(
            [binary, "--version"],
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=_VERSION_S,
        ).stdout
    except (OSError, subprocess.SubprocessError) as fault:
        raise NoKubelet(f"{binary} --version: {fault}") from fault
    found = re.search(r"Kubernetes v(\d+)\.(\d+)", said)
    if found is None:
        raise NoKubelet(f"{binary} --version says: {said.strip() or 'nothing'}")
    return int(found[1]), int(found[2])


def flags(of: tuple[int, int], endpoint: str) -> tuple[str, ...]:
    """What a kubelet of a version is told by flags alone: its runtime, when it is old."""
    if of >= RUNTIME_IN_CONFIG:
        return ()
    named = (f"--container-runtime-endpoint={endpoint}",)
    return named if of >= ONLY_REMOTE else ("--container-runtime=remote", *named)


def configuration(of: tuple[int, int], common: Mapping[str, object]) -> dict[str, object]:
    """A configuration for all, as one for a kubelet of a version."""
    return dict(common) | ({} if of >= CAN_DO_WITHOUT_DISK else _OF_BEFORE)


@contextmanager
def logs_of(namespace: str) -> Iterator[None]:
    """Old kubelets keep logs in `/var/log`, whatever they are told: remove a namespace's after."""
    try:
        yield
    finally:
        kubelet.forget([namespace])
