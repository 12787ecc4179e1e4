"""The gate of the server: who a request is from, and whether it may."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from staticlet.apiserver import calls
from staticlet.apiserver.authn import authenticator, peer
from staticlet.apiserver.authz import decide, denial, impersonation
from staticlet.apiserver.store.port import Objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whom a request is from.

    Attributes:
        user: Who it counts as.
        behind: Who has proven himself, where that is another (impersonation).
    """

    user: calls.User
    behind: calls.User | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Authentication and authorization.

    Attributes:
        authenticator: Finds out who a client is.
        objects: What rights depend on.
    """

    authenticator: authenticator.Authenticator
    objects: Objects

    def identify(
        self,
        authorization: str | None,
        certificate: bytes | None,
        headers: Iterable[tuple[str, str]],
    ) -> Who:
        """Find out whom a request is from.

        Args:
            authorization: The header of that name.
            certificate: The client's, which the handshake has verified.
            headers: All headers.

        Raises:
            refusal.Refusal: 401: the credentials prove nothing; 403: the user may not act as that
                other one.
        """
        shown = peer.read(certificate)
        user = self.authenticator.authenticate(authorization, shown, self.objects)
        acting = impersonation.impersonate(user, headers, self.objects)
        return Who(user=acting) if acting == user else Who(user=acting, behind=user)

    def check(self, user: calls.User, target: calls.Target) -> None:
        """Return when the user may do this.

        Raises:
            refusal.Refusal: 403: he may not.
        """
        verdict = decide.decide(user, target, self.objects)
        if not verdict.allowed:
            raise denial.words(user, target, verdict.reason)
