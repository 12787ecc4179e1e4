"""What went wrong below HTTP, in words of which the server is the subject."""

from __future__ import annotations

import errno
import os
import socket
import ssl

import aiohttp

from staticlet.client import answers, tls

_CUT = (errno.ECONNRESET, errno.EPIPE)
_NAMES = {
    socket.EAI_NONAME: "there is no such host name",
    socket.EAI_AGAIN: "its name cannot be looked up: no name server answers",
}


def words(fault: BaseException) -> str:
    """What happened, without anything that may be secret."""
    if isinstance(fault, aiohttp.ClientConnectorCertificateError):
        fault = fault.certificate_error
    elif isinstance(fault, aiohttp.ClientConnectorError):
        fault = fault.os_error
    if isinstance(fault, ssl.SSLError):
        return tls.words(fault)
    if isinstance(fault, aiohttp.ClientOSError) and isinstance(fault.__cause__, ssl.SSLError):
        return tls.words(fault.__cause__)
    if isinstance(fault, socket.gaierror):
        return _NAMES.get(fault.errno or 0, f"its name cannot be looked up: {fault.strerror}")
    if isinstance(fault, OSError):
        return _system(fault)
    if isinstance(fault, aiohttp.ServerDisconnectedError):
        return "closed the connection without an answer"
    if isinstance(fault, aiohttp.ClientPayloadError):
        return "cut its answer short"
    if isinstance(fault, aiohttp.ClientResponseError):
        return f"does not answer as HTTP has it: {answers.shown(fault.message)}"
    return f"cannot be asked: {answers.shown(str(fault)) or type(fault).__name__}"


def is_cut(fault: BaseException) -> bool:
    """Whether the server cut the connection and said nothing: it may not like what it was sent."""
    if isinstance(fault, aiohttp.ServerDisconnectedError):
        return True
    if isinstance(fault, aiohttp.ClientOSError) and isinstance(fault.__cause__, ssl.SSLError):
        return not isinstance(fault.__cause__, ssl.SSLCertVerificationError)
    if isinstance(fault, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        return False
    return isinstance(fault, ssl.SSLError) or (isinstance(fault, OSError) and fault.errno in _CUT)


def _system(fault: OSError) -> str:
    if fault.errno == errno.ETIMEDOUT:
        return "does not answer any more"
    if fault.errno in _CUT:
        return "cut the connection"
    if fault.errno is not None and fault.errno in errno.errorcode:
        return os.strerror(fault.errno).lower()
    said = fault.strerror or str(fault)
    return answers.shown(said.lower()) or "cut the connection"
