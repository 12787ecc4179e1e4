"""`make demo` shows what it claims, and cleans up whatever happens to it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "scripts" / "demo"

pytestmark = [
    pytest.mark.containerd,
    pytest.mark.skipif(os.geteuid() != 0, reason="containers need root"),
]


def left(name):
    """What is still there of the demo that worked below this directory."""
    found = [str(Path("/tmp", name))] if Path("/tmp", name).exists() else []
    found += [
        line for line in Path("/proc/mounts").read_text().splitlines() if f"/{name}/" in line
    ]
    found += [str(group) for group in Path("/sys/fs/cgroup").glob(f"*/{name}")]
    links = Path("/var/log/containers").glob("*")
    return [*found, *(str(link) for link in links if f"/{name}/" in str(link.readlink()))]


def place(output):
    """The name of the directory below which the demo says that it works."""
    return output.partition("Paths are below /tmp/")[2].partition(";")[0]


@pytest.mark.timeout(180)
def test_the_demo_shows_what_it_claims_and_leaves_nothing():
    done = subprocess.run(
        [sys.executable, DEMO], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing is left." in done.stdout
    assert left(place(done.stdout)) == []


@pytest.mark.timeout(120)
def test_a_demo_that_is_interrupted_leaves_nothing():
    with subprocess.Popen(
        [sys.executable, DEMO], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as demo:
        seen = ""
        for line in demo.stdout:
            seen += line
            if "All run after" in line:
                demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 130, seen
    assert "Interrupted; all that was made is removed." in seen
    assert left(place(seen)) == []
