"""What `/version` tells: the API that is served, and by what. Pure."""

from __future__ import annotations

import functools
import platform
import sys

from staticlet.kube import release

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@functools.cache
def info() -> dict[str, str]:
    """The answer to `/version`, in the shape that Kubernetes' clients read."""
    machine = platform.machine()
    return {
        "major": release.MAJOR,
        "minor": release.MINOR,
        "emulationMajor": release.MAJOR,
        "emulationMinor": release.MINOR,
        "minCompatibilityMajor": release.MAJOR,
        "minCompatibilityMinor": str(int(release.MINOR) - 1),
        "gitVersion": release.VERSION,
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": f"{sys.implementation.name}{platform.python_version()}",
        "platform": f"{sys.platform}/{_MACHINES.get(machine, machine)}",
    }
