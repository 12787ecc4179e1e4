"""Tokens of service accounts, each bound to a pod: asking for one, and when for the next.

Follows the kubelet's token manager: a new one after four fifths of its life, or after a day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from staticlet.client import port
from staticlet.pods.apiobjects import held

_DAY_S = 24 * 3600.0
_LEAST_S = 10.0
_JITTER = 0.1
_OLD = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, and how long it lasts from now on, in seconds."""

    text: str = field(repr=False)
    lifetime_s: float


def body(ref: held.TokenRef) -> dict[str, Any]:
    """What the server is asked."""
    pod = {"kind": "Pod", "apiVersion": "v1", "name": ref.pod_name, "uid": ref.pod_uid}
    spec: dict[str, Any] = {"expirationSeconds": ref.lifetime_s, "boundObjectRef": pod}
    spec["audiences"] = [ref.audience] if ref.audience else []
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}


async def request(api: port.Api, ref: held.TokenRef) -> Token:
    """Have a token made.

    Raises:
        Unreachable: There was no answer, or none with a token.
        Refused: The server refuses it.
    """
    path = f"/api/v1/namespaces/{ref.namespace}/serviceaccounts/{ref.account}/token"
    answer = await api.ask("POST", path, body(ref))
    status, spec = answer.get("status"), answer.get("spec")
    text = status.get("token") if isinstance(status, dict) else None
    if not isinstance(text, str) or not text:
        raise port.Unreachable(f"{api.server}: answers without a token of {ref.account}")
    given = spec.get("expirationSeconds") if isinstance(spec, dict) else None
    lifetime_s = given if isinstance(given, int) and given > 0 else ref.lifetime_s
    return Token(text=text, lifetime_s=lifetime_s)


def renew_in_s(lifetime_s: float, chance: float) -> float:
    """How long to wait for the next token; `chance` from 0 to 1 spreads the requests."""
    return max(min(lifetime_s * _OLD, _DAY_S) * (1 - _JITTER * chance), _LEAST_S)
