"""TLS of a client: made from PEM texts, and what goes wrong with it in words.

Private keys never touch a disk: OpenSSL wants a file, and gets one that is memory.
"""

from __future__ import annotations

import os
import ssl

_VERIFY = {
    9: "certificate is not valid yet: is this machine's clock right?",
    10: "certificate has expired",
    18: "certificate is not signed by the kubeconfig's CA, but by itself",
    19: "certificate is not signed by the kubeconfig's CA",
    20: "certificate is not signed by the kubeconfig's CA",
    21: "certificate is not signed by the kubeconfig's CA",
    62: "certificate is for another name: {}; set tls-server-name if that is meant",
    64: "certificate is for another address: {}; set tls-server-name if that is meant",
}
"""What OpenSSL's verification results say (X509_V_ERR_…)."""

_REASONS = {
    "WRONG_VERSION_NUMBER": "does not speak TLS: should its URL begin with http://?",
    "HTTP_REQUEST": "does not speak TLS: should its URL begin with http://?",
    "RECORD_LAYER_FAILURE": "does not speak TLS: should its URL begin with http://?",
    "CERTIFICATE_REQUIRED": "wants a client certificate, and the kubeconfig gives none",
    "BAD_CERTIFICATE": "does not believe the kubeconfig's client certificate",
    "UNKNOWN_CA": "does not believe the CA of the kubeconfig's client certificate",
    "CERTIFICATE_EXPIRED": "says that the kubeconfig's client certificate has expired",
    "CERTIFICATE_REVOKED": "says that the kubeconfig's client certificate is revoked",
    "CERTIFICATE_UNKNOWN": "does not believe the kubeconfig's client certificate",
    "DECRYPT_ERROR": "does not believe the kubeconfig's client certificate",
    "PROTOCOL_VERSION": "speaks no TLS 1.2 or later",
    "UNSUPPORTED_PROTOCOL": "speaks no TLS 1.2 or later",
    "UNEXPECTED_EOF_WHILE_READING": "closed the connection during the TLS handshake",
}


class BadPem(Exception):
    """A PEM text that is none, or does not go with another; says why."""


class BadAuthority(BadPem):
    """That of the CA."""


class BadCertificate(BadPem):
    """That of the client's certificate or its key."""


def context(
    *, authority: bytes | None, insecure: bool, certificate: bytes | None, key: bytes | None
) -> ssl.SSLContext:
    """A client's side of TLS 1.2 and later.

    As with Go, whatever certificate is in the CA's text is believed, whoever signed it.

    Args:
        authority: The CA's certificates; None for those of the machine.
        insecure: Believe any certificate.
        certificate: The client's certificate with what chains it to its CA; None for none.
        key: Its private key.

    Raises:
        BadAuthority: The CA's text cannot be used.
        BadCertificate: Certificate or key cannot be used.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    made.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    if insecure:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif authority is None:
        made.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _believe(made, authority)
    if certificate is not None and key is not None:
        _show(made, certificate, key)
    return made


def _believe(made: ssl.SSLContext, authority: bytes) -> None:
    try:
        made.load_verify_locations(cadata=authority.decode("ascii"))
    except (ValueError, ssl.SSLError) as fault:
        raise BadAuthority("holds no certificate in PEM") from fault


def _show(made: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    file = os.memfd_create("staticlet client certificate", os.MFD_CLOEXEC)
    try:
        with os.fdopen(file, "wb", closefd=False) as memory:
            memory.write(certificate + b"\n" + key)
        made.load_cert_chain(f"/proc/self/fd/{file}", password=_no_password)
    except (OSError, ValueError) as fault:
        raise BadCertificate(_pair_words(fault)) from fault
    finally:
        os.close(file)


def _no_password() -> bytes:
    """What OpenSSL gets instead of asking on a terminal."""
    raise ValueError("the key is encrypted: give one that is not")


def _pair_words(fault: Exception) -> str:
    if isinstance(fault, ssl.SSLError):
        if fault.reason == "KEY_VALUES_MISMATCH":
            return "the certificate and the key do not belong together"
        return "holds no certificate and private key in PEM"
    return str(fault)


def words(fault: ssl.SSLError) -> str:
    """What went wrong, as a sentence of which the server is the subject."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        said = _VERIFY.get(fault.verify_code, "certificate is not believed: {}")
        return said.format((fault.verify_message or "").lower().rstrip("."))
    reason = fault.reason or ""
    for name, said in _REASONS.items():
        if reason.endswith(name):
            return said
    return f"TLS failed: {reason.replace('_', ' ').lower() or fault}"
