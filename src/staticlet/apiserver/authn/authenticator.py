"""Who makes a request: by client certificate, else by bearer token, else nobody.

The order is kube-apiserver's, and so is the rule that of several credentials one good one is
enough. Who shows credentials of which none is good is refused; who shows none is
`system:anonymous`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from staticlet.aio.clock import Clock
from staticlet.apiserver import calls
from staticlet.apiserver.authn import proof
from staticlet.apiserver.authn.accounts import AccountTokens
from staticlet.apiserver.authn.peer import PeerCertificate
from staticlet.apiserver.authn.tokenfile import TokenFile
from staticlet.apiserver.store.port import Objects
from staticlet.host import certs
from staticlet.kube import refusal

_LOG = logging.getLogger(__name__)


class Authenticator:
    """Finds who a user is."""

    def __init__(
        self,
        *,
        clock: Clock,
        token_file: TokenFile | None = None,
        accounts: AccountTokens | None = None,
        anonymous: bool = True,
    ) -> None:
        """Believe in these credentials.

        Args:
            clock: Tells whether something has expired.
            token_file: Fixed tokens.
            accounts: Tokens of service accounts.
            anonymous: Whether requests without credentials are let through, as nobody's.
        """
        self._clock = clock
        self._token_file = token_file
        self._accounts = accounts
        self._anonymous = anonymous

    @property
    def accounts(self) -> AccountTokens | None:
        """What issues tokens of service accounts; None where none are believed."""
        return self._accounts

    def authenticate(
        self,
        authorization: str | None,
        peer: PeerCertificate | None,
        objects: Objects,
    ) -> calls.User:
        """Who makes a request.

        The server's own client certificate is for nodes, which must believe it. It comes back here
        only where a node gives the server's address for its own, so that somebody who may read
        logs would be answered with the server's rights.

        Args:
            authorization: The Authorization header; None when there is none.
            peer: The client's certificate, as the handshake has verified it.
            objects: The store, for what service account tokens are bound to.

        Raises:
            refusal.Refusal: 401: the credentials prove nothing.
        """
        if peer is not None and peer.name == certs.KUBELET_CLIENT:
            _LOG.warning("Refused the certificate that this server shows to nodes: it came back")
            raise refusal.unauthorized()
        if peer is not None and peer.valid(self._clock.now()):
            return proof.authenticated(calls.User(name=peer.name, groups=peer.organizations))
        if authorization is not None:
            try:
                return self.review(_bearer(authorization), objects).user
            except proof.NotProved as fault:
                _LOG.debug("Refused a bearer token: %s", fault)
                raise refusal.unauthorized() from fault
        if peer is not None:
            _LOG.debug("Refused a client certificate of %r: it is not valid now", peer.name)
            raise refusal.unauthorized()
        if not self._anonymous:
            raise refusal.unauthorized()
        return proof.NOBODY

    def review(
        self, token: str, objects: Objects, *, audiences: Collection[str] = ()
    ) -> proof.Proved:
        """Whose a bearer token is.

        Args:
            token: The token.
            objects: The store.
            audiences: Who it must be for; none for this server.

        Raises:
            proof.NotProved: It proves nothing.
        """
        user = self._token_file.user(token) if self._token_file else None
        if user is not None:
            meant = self._meant(audiences)
            return proof.Proved(user=proof.authenticated(user), audiences=meant)
        if self._accounts is None:
            raise proof.NotProved("invalid bearer token")
        proved = self._accounts.read(token, objects, self._clock.now(), audiences=audiences)
        return proof.Proved(user=proof.authenticated(proved.user), audiences=proved.audiences)

    def _meant(self, audiences: Collection[str]) -> tuple[str, ...]:
        """The audiences that a fixed token is for: this server, whoever asks."""
        own = self._accounts.audiences if self._accounts else ()
        meant = tuple(one for one in own if not audiences or one in audiences)
        if audiences and not meant:
            raise proof.NotProved("the token is for this server alone")
        return meant


def _bearer(authorization: str) -> str:
    """The token of a header."""
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise proof.NotProved("the Authorization header holds no bearer token")
    return token
