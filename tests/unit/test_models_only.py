"""The types of Kubernetes come without the client of the library that brings them."""

from __future__ import annotations

import subprocess
import sys


def told(program: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=30
    )
    return done.stdout.strip()


def test_no_http_client_is_loaded_with_the_types():
    loaded = told(
        "import sys; from staticlet.kube import core, apitypes; print(*sys.modules, sep='\\n')"
    ).splitlines()
    assert "lightkube.models.core_v1" in loaded
    assert {"lightkube", "lightkube.core.client", "httpx", "httpx2"}.isdisjoint(loaded)


def test_the_whole_library_can_be_had_afterwards_with_the_same_types():
    assert (
        told(
            "from staticlet.kube import core; import lightkube; from lightkube.models import "
            "core_v1; from lightkube.resources.core_v1 import Pod; "
            "print(core_v1.Pod is core.Pod, issubclass(Pod, core.Pod), lightkube.Client.__name__)"
        )
        == "True True Client"
    )


def test_a_library_that_is_loaded_already_is_taken_as_it_is():
    assert (
        told(
            "import lightkube as a; from staticlet.kube import core; import lightkube as b; "
            "print(a is b)"
        )
        == "True"
    )
