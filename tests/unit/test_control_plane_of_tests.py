"""The control plane that tests may use, as far as it tells what it lacks."""

from __future__ import annotations

import pytest

from staticlet.testing import kubecluster

NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = tmp_path / "staticlet" / "kube" / "bin"
    made.mkdir(parents=True)
    return made


def put(cache, *names):
    for name in names:
        (cache / name).touch(mode=0o755)


def test_programs_that_are_all_there_are_found(cache):
    put(cache, *NAMES)
    assert kubecluster.programs() == cache


@pytest.mark.parametrize("name", NAMES)
def test_a_program_that_is_missing_is_named_with_what_builds_it(cache, name):
    put(cache, *(one for one in NAMES if one != name))
    with pytest.raises(kubecluster.NotBuilt, match=f"^no {name} in .*`make kube` builds"):
        kubecluster.programs()


def test_a_program_that_cannot_be_executed_is_as_good_as_missing(cache):
    put(cache, *NAMES)
    (cache / "etcd").chmod(0o644)
    with pytest.raises(kubecluster.NotBuilt, match=r"^no etcd in"):
        kubecluster.programs()
