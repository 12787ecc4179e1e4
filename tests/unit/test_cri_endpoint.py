"""Which socket is used."""

from __future__ import annotations

import pytest

from staticlet.runtime.cri import endpoint

CONTAINERD = "/run/containerd/containerd.sock"
CRIO = "/run/crio/crio.sock"


@pytest.mark.parametrize("written", ["unix:///run/x.sock", "/run/x.sock"])
def test_an_endpoint_is_written_with_or_without_its_scheme(written: str) -> None:
    assert endpoint.socket_path(written) == "/run/x.sock"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("tcp://127.0.0.1:1234", "tcp is not supported"),
        ("npipe:////./pipe/x", "npipe is not supported"),
        ("run/x.sock", "not an absolute path"),
        ("unix://run/x.sock", "not an absolute path"),
        ("", "not an absolute path"),
        ("/run/x\0y", "zero byte"),
        ("/" + "x" * 107, "108 bytes"),
        ("/" + "é" * 60, "121 bytes"),
    ],
)
def test_a_bad_endpoint_says_why(written: str, why: str) -> None:
    with pytest.raises(endpoint.BadEndpoint, match=why):
        endpoint.socket_path(written)


def test_the_longest_path_that_the_kernel_takes_is_good() -> None:
    assert endpoint.socket_path("/" + "x" * 106) == "/" + "x" * 106


def test_a_configured_endpoint_wins_even_when_it_is_not_there_yet() -> None:
    assert endpoint.choose("unix:///run/later.sock", lambda _: False) == "/run/later.sock"


def test_the_first_well_known_socket_that_exists_is_taken() -> None:
    assert endpoint.choose("", lambda path: path in (CRIO, CONTAINERD)) == CONTAINERD
    assert endpoint.choose("", lambda path: path == CRIO) == CRIO


def test_no_socket_anywhere_is_none() -> None:
    assert endpoint.choose("", lambda _: False) is None


def test_only_a_socket_counts_not_a_file_of_that_name() -> None:
    assert endpoint.resolve("/etc/passwd") == "/etc/passwd"
    assert endpoint.resolve("") in (None, *endpoint.WELL_KNOWN)
