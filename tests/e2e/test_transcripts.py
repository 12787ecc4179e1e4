"""The page of transcripts is what a live agent says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.containerd,
    pytest.mark.skipif(os.geteuid() != 0, reason="containers need root"),
]


@pytest.mark.timeout(150)
def test_every_command_says_what_the_page_of_commands_shows():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "transcripts", "--check"],
        capture_output=True,
        text=True,
        timeout=140,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
