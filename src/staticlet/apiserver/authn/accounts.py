"""Tokens of service accounts: JWTs as kube-apiserver writes and reads them (KEP-1205).

A token is for an account, for some audiences and for a time, and may be bound to a pod, a secret
or a node: it ends when one of these does. A signature that was found good stays good, and is
remembered; everything else is looked at with each request, so that what is deleted ends at once.
"""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from staticlet.apiserver import calls
from staticlet.apiserver.authn import proof
from staticlet.apiserver.authn.keys import Source
from staticlet.apiserver.store.port import Key, Objects

if TYPE_CHECKING:
    import jwt

ISSUER = "https://kubernetes.default.svc.cluster.local"
USER_PREFIX = "system:serviceaccount:"
_EXTRA = "authentication.kubernetes.io/"

AFTERLIFE = timedelta(seconds=60)
"""How long a token outlives the deletion of what it is bound to, for what still shuts down."""

SKEW_S = 60
"""How much in the future a token may begin."""

_LONGEST = 16 * 1024
_REMEMBERED = 1024
_ALGORITHM = "RS256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An object that a token ends with: a name and the uid."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token says.

    Attributes:
        namespace: The account's namespace.
        account: The account.
        audiences: For whom the token is.
        issued: When it begins.
        expires: When it ends.
        pod: The pod that it is bound to.
        secret: The secret that it is bound to.
        node: The node that it is bound to, or that its pod is on.
    """

    namespace: str
    account: Bound
    audiences: tuple[str, ...]
    issued: datetime
    expires: datetime
    pod: Bound | None = None
    secret: Bound | None = None
    node: Bound | None = None


class _Ref(msgspec.Struct, frozen=True):
    name: str
    uid: str


class _Kubernetes(msgspec.Struct, frozen=True):
    namespace: str
    serviceaccount: _Ref
    pod: _Ref | None = None
    secret: _Ref | None = None
    node: _Ref | None = None


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    aud: tuple[str, ...]
    exp: float
    kubernetes: _Kubernetes = msgspec.field(name="kubernetes.io")
    nbf: float = 0
    jti: str = ""


class _Metadata(msgspec.Struct, frozen=True):
    uid: str = ""
    deletionTimestamp: datetime | None = None  # noqa: N815  the API's name


class _Object(msgspec.Struct, frozen=True):
    metadata: _Metadata


_CLAIMS = msgspec.json.Decoder(_Claims)
_OBJECT = msgspec.json.Decoder(_Object)


class AccountTokens:
    """Signs tokens of service accounts, and tells whose a token is."""

    def __init__(
        self,
        keys: Source,
        *,
        issuer: str = ISSUER,
        audiences: tuple[str, ...] = (),
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        """Sign and verify with these keys.

        Args:
            keys: The keys.
            issuer: Who signs; tokens of another issuer are not taken.
            audiences: The names of this server as an audience; none for the issuer.
            new_id: Makes the unique name of a token.
        """
        self._keys = keys
        self._issuer = issuer
        self.audiences = audiences or (issuer,)
        self._new_id = new_id
        self._genuine: OrderedDict[bytes, _Claims] = OrderedDict()

    def issue(self, grant: Grant) -> str:
        """Sign a token."""
        about: dict[str, Any] = {"namespace": grant.namespace}
        for name in ("node", "pod", "secret"):
            bound: Bound | None = getattr(grant, name)
            if bound is not None:
                about[name] = {"name": bound.name, "uid": bound.uid}
        about["serviceaccount"] = {"name": grant.account.name, "uid": grant.account.uid}
        issued = int(grant.issued.timestamp())
        claims = {
            "aud": list(grant.audiences),
            "exp": int(grant.expires.timestamp()),
            "iat": issued,
            "iss": self._issuer,
            "jti": self._new_id(),
            "kubernetes.io": about,
            "nbf": issued,
            "sub": f"{USER_PREFIX}{grant.namespace}:{grant.account.name}",
        }
        headers = {"kid": self._keys.verifiers[0].id, "typ": None}
        return _jws().encode(
            msgspec.json.encode(claims), self._keys.signer, algorithm=_ALGORITHM, headers=headers
        )

    def read(
        self,
        token: str,
        objects: Objects,
        now: datetime,
        *,
        audiences: Collection[str] = (),
    ) -> proof.Proved:
        """Whose a token is.

        Args:
            token: The token.
            objects: The store: what the token is bound to must still be there.
            now: The time.
            audiences: Who the token must be for; none for this server.

        Raises:
            proof.NotProved: It proves nothing.
        """
        claims = self._claims(token)
        if claims.exp <= now.timestamp():
            raise proof.NotProved("service account token has expired")
        if claims.nbf > now.timestamp() + SKEW_S:
            raise proof.NotProved("service account token is not valid yet")
        wanted = audiences or self.audiences
        meant = tuple(one for one in claims.aud if one in wanted)
        if not meant:
            raise proof.NotProved(
                f"token audiences {list(claims.aud)} is invalid for the target audiences "
                f"{list(wanted)}"
            )
        _check_bound(claims.kubernetes, objects, now)
        return proof.Proved(user=_user(claims), audiences=meant)

    def _claims(self, token: str) -> _Claims:
        """What a genuine token says."""
        if len(token) > _LONGEST or token.count(".") != 2 or not token.isascii():
            raise proof.NotProved("invalid bearer token")
        digest = hashlib.sha256(token.encode("ascii")).digest()
        claims = self._genuine.get(digest)
        if claims is not None:
            self._genuine.move_to_end(digest)
            return claims
        claims = self._verified(token)
        self._genuine[digest] = claims
        if len(self._genuine) > _REMEMBERED:
            self._genuine.popitem(last=False)
        return claims

    def _verified(self, token: str) -> _Claims:
        payload = self._payload(token)
        try:
            claims = _CLAIMS.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
            raise proof.NotProved("token is not one of a service account") from fault
        about = claims.kubernetes
        subject = f"{USER_PREFIX}{about.namespace}:{about.serviceaccount.name}"
        if claims.iss != self._issuer or claims.sub != subject:
            raise proof.NotProved("token is of another issuer, or of another subject than it says")
        return claims

    def _payload(self, token: str) -> bytes:
        """What is signed, if one of the keys has signed it."""
        import jwt

        try:
            header = _jws().get_unverified_header(token)
            for verifier in self._keys.named(header.get("kid")):
                try:
                    payload: bytes = _jws().decode(token, verifier.key, algorithms=[_ALGORITHM])
                except jwt.InvalidSignatureError:
                    continue
                return payload
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as fault:
            # Of a header that is no JSON, or nested beyond reason.
            raise proof.NotProved("invalid bearer token") from fault
        raise proof.NotProved("token was signed with a key that is not known here")


@functools.cache
def _jws() -> jwt.PyJWS:
    import jwt  # of 3 MB, and many a server never sees a token

    return jwt.PyJWS()


def _check_bound(about: _Kubernetes, objects: Objects, now: datetime) -> None:
    namespace, account = about.namespace, about.serviceaccount
    _check(objects, now, Key("serviceaccounts", namespace, account.name), account.uid)
    if about.secret is not None:
        _check(objects, now, Key("secrets", namespace, about.secret.name), about.secret.uid)
    if about.pod is not None:
        _check(objects, now, Key("pods", namespace, about.pod.name), about.pod.uid)
    elif about.node is not None:
        _check(objects, now, Key("nodes", "", about.node.name), about.node.uid)


def _check(objects: Objects, now: datetime, key: Key, uid: str) -> None:
    """Refuse a token whose object is gone, is another one of that name, or is long deleted."""
    record = objects.get(key)
    metadata = _OBJECT.decode(record.encoded).metadata if record else _Metadata()
    if not metadata.uid or metadata.uid != uid:
        raise proof.NotProved(f"{key.resource} {key.name}, which the token is bound to, is gone")
    deleted = metadata.deletionTimestamp
    if deleted is not None and deleted.astimezone(UTC) + AFTERLIFE < now:
        raise proof.NotProved(f"{key.resource} {key.name} has been deleted")


def _user(claims: _Claims) -> calls.User:
    about = claims.kubernetes
    extra: dict[str, tuple[str, ...]] = {}
    if claims.jti:
        extra[f"{_EXTRA}credential-id"] = (f"JTI={claims.jti}",)
    for what, ref in (("node", about.node), ("pod", about.pod)):
        if ref is not None:
            extra[f"{_EXTRA}{what}-name"] = (ref.name,)
            extra[f"{_EXTRA}{what}-uid"] = (ref.uid,)
    return calls.User(
        name=claims.sub,
        uid=about.serviceaccount.uid,
        groups=account_groups(about.namespace),
        extra=extra,
    )


def account_groups(namespace: str) -> tuple[str, ...]:
    """The groups of a service account, without that of all who are authenticated."""
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
