"""What is mounted where, by the text of mountinfo."""

from pathlib import Path

import pytest

from staticlet.host import mounts

TEXT = r"""22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:5 / /pods/a/volumes/m rw - tmpfs tmpfs rw
31 22 0:6 / /pods/a\040b rw - tmpfs tmpfs rw
32 31 0:7 / /pods/a\040b/deep rw - tmpfs tmpfs rw
33 22 0:8 /pods/a /elsewhere rw - ext4 /dev/sda1 rw
34 30 0:9 / /pods/a/volumes/m/inner rw - tmpfs tmpfs rw
35 22 0:10 / /pods/ab rw - tmpfs tmpfs rw
"""


@pytest.fixture(autouse=True)
def mountinfo(tmp_path, monkeypatch):
    file = tmp_path / "mountinfo"
    file.write_text(TEXT)
    monkeypatch.setattr(mounts, "_MOUNTINFO", file)


@pytest.mark.parametrize(
    ("directory", "points"),
    [
        ("/pods/a", ["/pods/a/volumes/m/inner", "/pods/a/volumes/m"]),
        ("/pods/a b", ["/pods/a b/deep", "/pods/a b"]),
        ("/pods/c", []),
        ("/elsewhere", ["/elsewhere"]),
    ],
)
def test_what_is_below_a_directory_comes_last_made_first(directory, points):
    assert [str(point) for point in mounts.below(Path(directory))] == points


def test_everything_is_below_the_root():
    assert len(mounts.below(Path("/"))) == 7


def test_what_is_mounted_at_a_name_with_a_space_is_found():
    assert [entry.fstype for entry in mounts.at(Path("/pods/a b"))] == ["tmpfs"]
