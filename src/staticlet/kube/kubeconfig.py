"""Kubeconfig files with a client certificate in them: written, read back and brought up to date.

Pure. One cluster, one user, one context, as kubeadm writes `admin.conf`. What a person added to
such a file (another context, a namespace) stays in it when its certificate is renewed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from staticlet.kube import manifest, plain, yamlout


class NotOurs(Exception):
    """A text that is no kubeconfig with one cluster and one client certificate; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a kubeconfig gives: where the server is, and who one is there.

    Attributes:
        server: The URL.
        authority: The server's CA, PEM.
        certificate: The client's certificate, PEM.
        key: Its private key, PEM.
    """

    server: str
    authority: bytes
    certificate: bytes
    key: bytes


def write(access: Access, *, cluster: str, user: str) -> bytes:
    """A new kubeconfig.

    Args:
        access: What it gives.
        cluster: The name of the cluster in it.
        user: The name of the user in it.
    """
    context = f"{user}@{cluster}"
    return _dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": cluster, "cluster": _cluster(access)}],
            "users": [{"name": user, "user": _user(access)}],
            "contexts": [{"name": context, "context": {"cluster": cluster, "user": user}}],
            "current-context": context,
        }
    )


def read(data: bytes) -> Access:
    """What a kubeconfig gives.

    Raises:
        NotOurs: It is none of the kind that `write` makes.
    """
    _, cluster, user = _parts(data)
    return Access(
        server=_text(cluster, "server"),
        authority=_decoded(cluster, "certificate-authority-data"),
        certificate=_decoded(user, "client-certificate-data"),
        key=_decoded(user, "client-key-data"),
    )


def renew(data: bytes, access: Access) -> bytes:
    """The same kubeconfig, giving something else.

    Raises:
        NotOurs: It is none of the kind that `write` makes.
    """
    whole, cluster, user = _parts(data)
    cluster |= _cluster(access)
    user |= _user(access)
    return _dump(whole)


def _cluster(access: Access) -> dict[str, Any]:
    return {
        "server": access.server,
        "certificate-authority-data": _encoded(access.authority),
    }


def _user(access: Access) -> dict[str, Any]:
    return {
        "client-certificate-data": _encoded(access.certificate),
        "client-key-data": _encoded(access.key),
    }


def _parts(data: bytes) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The whole, its one cluster and its one user, to be changed freely."""
    decoded = manifest.decode(data)
    if decoded.problems:
        raise NotOurs(decoded.problems[0].message)
    if len(decoded.documents) != 1 or not isinstance(decoded.documents[0].data, Mapping):
        raise NotOurs("holds no kubeconfig")
    whole = plain.copied(decoded.documents[0].data)
    if whole.get("kind") != "Config":
        raise NotOurs("holds no kubeconfig: its kind is not Config")
    return whole, _only(whole, "clusters", "cluster"), _only(whole, "users", "user")


def _only(whole: Mapping[str, Any], plural: str, singular: str) -> dict[str, Any]:
    match whole.get(plural):
        case [{**entry}] if isinstance(found := entry.get(singular), dict):
            return found
    raise NotOurs(f"does not have exactly one entry in {plural}")


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str):
        raise NotOurs(f"has no {name}")
    return value


def _decoded(holder: Mapping[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(_text(holder, name), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise NotOurs(f"has a {name} that is not base64") from fault


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _dump(whole: Mapping[str, Any]) -> bytes:
    return yamlout.dump(whole).encode("utf-8")
