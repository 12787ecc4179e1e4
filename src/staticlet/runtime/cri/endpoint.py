"""Where the container runtime listens: the configured endpoint, or the sockets everybody knows.

Endpoints are written as the kubelet's `containerRuntimeEndpoint` has them: `unix:///run/x.sock`,
or the plain path. The order of the well-known sockets is crictl's.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable

WELL_KNOWN = (
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/cri-dockerd.sock",
    "/var/run/containerd/containerd.sock",
    "/var/run/crio/crio.sock",
    "/var/run/cri-dockerd.sock",
)
"""Sockets that are tried in this order when no endpoint is configured."""

LONGEST_PATH = 107
"""Bytes of a socket's path that the kernel takes (sun_path without its final zero)."""

_SCHEME = "unix://"


class BadEndpoint(ValueError):
    """The endpoint is not one that can be used; the text says why and what to write."""


def socket_path(endpoint: str) -> str:
    """The socket's path in an endpoint.

    Raises:
        BadEndpoint: it is not a unix socket's absolute path, or longer than the kernel allows.
    """
    path = endpoint.removeprefix(_SCHEME)
    if "://" in path:
        scheme = path.partition("://")[0]
        raise BadEndpoint(f"endpoint {endpoint!r}: {scheme} is not supported, write unix:///path")
    if not path.startswith("/"):
        raise BadEndpoint(f"endpoint {endpoint!r}: not an absolute path, write unix:///path")
    if "\0" in path:
        raise BadEndpoint(f"endpoint {endpoint!r}: a path cannot hold a zero byte")
    if (length := len(os.fsencode(path))) > LONGEST_PATH:
        raise BadEndpoint(
            f"endpoint {endpoint!r}: the path has {length} bytes, "
            f"the kernel allows {LONGEST_PATH} for a socket"
        )
    return path


def choose(configured: str, exists: Callable[[str], bool]) -> str | None:
    """The path of the socket to use: the configured one, else the first well-known that exists.

    A configured endpoint is taken whether it exists or not: its runtime may come later. None says
    that nothing is configured and none of the well-known sockets is there (yet).

    Raises:
        BadEndpoint: the configured endpoint cannot be used.
    """
    if configured:
        return socket_path(configured)
    return next((path for path in WELL_KNOWN if exists(path)), None)


def resolve(configured: str) -> str | None:
    """As `choose`, looking at this machine's sockets."""
    return choose(configured, lambda path: pathlib.Path(path).is_socket())
