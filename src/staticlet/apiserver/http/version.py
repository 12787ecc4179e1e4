"""What `/version` tells: the API that is served, and by what. Pure."""

from __future__ import annotations

import functools
import platform
import sys

import staticlet

MAJOR, MINOR = "1", "36"
"""The version of the Kubernetes API whose behaviour is served."""

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@functools.cache
def info() -> dict[str, str]:
    """The answer to `/version`, in the shape that Kubernetes' clients read."""
    machine = platform.machine()
    return {
        "major": MAJOR,
        "minor": MINOR,
        "emulationMajor": MAJOR,
        "emulationMinor": MINOR,
        "minCompatibilityMajor": MAJOR,
        "minCompatibilityMinor": str(int(MINOR) - 1),
        "gitVersion": f"v{MAJOR}.{MINOR}.0+staticlet.{staticlet.__version__}",
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": f"{sys.implementation.name}{platform.python_version()}",
        "platform": f"{sys.platform}/{_MACHINES.get(machine, machine)}",
    }
