"""What the configuration says of the kubelet's own TLS: versions, cipher suites, certificates.

Names are Go's, as a kubelet takes them; a server is given OpenSSL's. TLS older than 1.2, RC4 and
triple DES have names, too, and are offered to nobody: who asks for them is told, and gets the
rest. As in Go, the suites of TLS 1.3 cannot be chosen: they are on whatever a list says.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from staticlet.kube import fieldpath

if TYPE_CHECKING:
    from staticlet.config.layer import Stack  # the settings need no files

OLDEST = "VersionTLS12"
"""The oldest version that is offered."""

NEWEST = "VersionTLS13"
_OLDER = ("VersionTLS10", "VersionTLS11")

VERSIONS = (*_OLDER, OLDEST, NEWEST)

_ALWAYS_ON = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
_STRONG: Mapping[str, str] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "ECDHE-RSA-CHACHA20-POLY1305",
}
_WEAK: Mapping[str, str] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": "ECDHE-ECDSA-AES128-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": "ECDHE-RSA-AES128-SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256": "AES128-SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
}
_BROKEN = (
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
)
_OFFERED: Mapping[str, str] = {**_STRONG, **_WEAK}

SUITES = (*_ALWAYS_ON, *_OFFERED, *_BROKEN)
"""Every name that a kubelet takes."""

_VERSION = ("tlsMinVersion",)
_SUITES = "tlsCipherSuites"
_BOOTSTRAP = ("serverTLSBootstrap",)
_NOT_ASKED = (
    "no certificate is asked of the API server: one that is made here is served; set tlsCertFile "
    "and tlsPrivateKeyFile for another"
)


def errors(stack: Stack) -> Iterator[tuple[fieldpath.Path, str]]:
    """Yield the names that are none, each with its place."""
    version = stack.get(_VERSION)
    if version and version not in VERSIONS:
        yield _VERSION, f'must be one of {", ".join(VERSIONS)}, not "{version}"'
    for index, name in enumerate(stack.get((_SUITES,)) or ()):
        if name not in SUITES:
            near = difflib.get_close_matches(name, SUITES, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            yield (_SUITES, index), f'"{name}" is not the name of a cipher suite{hint}'


def warnings(stack: Stack) -> Iterator[tuple[fieldpath.Path, str]]:
    """Yield what is taken and does not hold, or is better left, each with its place."""
    version = stack.get(_VERSION)
    if version in _OLDER:
        yield _VERSION, f"{version} is not offered, since it is broken: {OLDEST} holds"
    suites = stack.get((_SUITES,)) or ()
    if suites and version == NEWEST:
        yield (_SUITES,), f"does nothing with tlsMinVersion: {NEWEST}, whose suites are fixed"
        suites = ()
    for index, name in enumerate(suites):
        if name in _BROKEN:
            yield (_SUITES, index), f"{name} is not offered, since it is broken"
        elif name in _WEAK:
            yield (_SUITES, index), f"{name} is weak: better leave it out"
    if stack.get(_BOOTSTRAP) and not stack.get(("tlsCertFile",)):
        yield _BOOTSTRAP, _NOT_ASKED


def oldest(version: str, suites: Sequence[str]) -> str:
    """The oldest version that is offered; a list without a suite for 1.2 leaves only 1.3."""
    if version == NEWEST or (suites and not openssl(suites)):
        return NEWEST
    return OLDEST


def openssl(suites: Sequence[str]) -> str:
    """Suites of TLS 1.2 as OpenSSL takes them; empty where none is named."""
    return ":".join(dict.fromkeys(_OFFERED[name] for name in suites if name in _OFFERED))
