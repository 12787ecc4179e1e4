"""What can go wrong on the way to the runtime, as the port's faults. Pure.

The text of a fault is the runtime's own; the numbers are gRPC's status codes.
"""

from __future__ import annotations

import re

from google.protobuf import message
from grpclib import const, exceptions

from staticlet.runtime import port

FOREIGN = (
    exceptions.GRPCError,
    exceptions.StreamTerminatedError,
    exceptions.ProtocolError,
    message.DecodeError,
    NotImplementedError,  # grpclib: a compressed message
    AssertionError,  # grpclib: a message that ends too early
    OSError,
)
"""Every exception that a call through grpclib is known to raise, besides cancellation."""

_WRAPPING = re.compile(r"\Arpc error: code = \w+ desc = ")
_NOT_READY_YET = "server is not initialized yet"
"""containerd says so, as an unknown error, while its CRI part is still loading."""

GARBLED = "Protocol error"
"""grpclib's word, and ours, for bytes that are no HTTP/2."""

_BY_STATUS: dict[const.Status, type[port.RuntimeFault]] = {
    const.Status.UNAVAILABLE: port.Unavailable,
    const.Status.NOT_FOUND: port.NotFound,
    const.Status.UNIMPLEMENTED: port.Unsupported,
    const.Status.DEADLINE_EXCEEDED: port.DeadlinePassed,
}


def translate(error: Exception, path: str) -> port.RuntimeFault:
    """The port's fault for an exception of grpclib, of protobuf or of the socket at `path`."""
    match error:
        case exceptions.GRPCError():
            return _refused(error, path)
        case exceptions.StreamTerminatedError() if str(error) == GARBLED:
            return port.NotCri(f"{path} answers, but does not speak gRPC")
        case exceptions.StreamTerminatedError():
            return port.Unavailable(f"the connection to {path} broke off: {error}")
        case OSError():
            return port.Unavailable(_unreachable(error, path))
        case _:
            return port.NotCri(f"{path} sent a reply that cannot be read: {error}")


def not_cri(error: port.RuntimeFault, path: str) -> port.NotCri:
    """The fault when the Version call itself is unknown: its text says what to look at."""
    return port.NotCri(
        f"{path} answers, but not to CRI v1 ({error}): the runtime must be containerd 1.6 or "
        "newer with its cri plugin enabled, or CRI-O 1.23 or newer"
    )


def _refused(error: exceptions.GRPCError, path: str) -> port.RuntimeFault:
    text = _WRAPPING.sub("", error.message or "")
    if _NOT_READY_YET in text:
        return port.Unavailable(text)
    if error.status is const.Status.UNKNOWN and "content-type" in text:
        return port.NotCri(f"{path} answers, but does not speak gRPC: {text}")
    fault = _BY_STATUS.get(error.status, port.RuntimeFault)
    return fault(text or f"the runtime said {error.status.name} and no more")


def _unreachable(error: OSError, path: str) -> str:
    match error:
        case FileNotFoundError():
            return f"there is no socket {path}: is the container runtime running?"
        case ConnectionRefusedError():
            return f"nobody listens on {path}: is the container runtime running?"
        case PermissionError():
            return f"the socket {path} may not be opened: run as root"
        case _:
            return f"cannot talk to {path}: {error.strerror or error}"
