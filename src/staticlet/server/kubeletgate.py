"""The gate of the kubelet's API: who asks, by certificate or token, and whether he may.

An API server answers what is not known here, and its answers count for a while. While there is
none, or it is away, no token proves anything and nothing is permitted; what was answered before
counts until its time is over.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from staticlet.aio import clock as clocks
from staticlet.client import port
from staticlet.config.settings import Settings
from staticlet.server import kubeletauth as auth
from staticlet.web import tls

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_KEPT = 1024
"""How many answers of a kind are kept."""

MOST_ASKED = 8
"""How many questions an API server is asked at once: strangers cannot make us flood it."""


class Kept(Generic[T]):
    """Answers that count for a while; the time is handed in, in seconds."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def get(self, key: Hashable, now_s: float) -> T | None:
        """What counts now; None when nothing does."""
        until_s, answer = self._kept.get(key, (now_s, None))
        return answer if now_s < until_s else None

    def put(self, key: Hashable, answer: T, *, until_s: float) -> None:
        """Keep an answer; the oldest goes where there are too many."""
        self._kept[key] = (until_s, answer)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


class Gate:
    """Decides on every request.

    Args:
        settings: Whom to believe, and who decides.
        api: The API server that is asked; None when there is none.
        clock: The time.
    """

    def __init__(self, settings: Settings, api: port.Api | None, clock: clocks.Clock) -> None:
        self._settings = settings
        self._api = api
        self._clock = clock
        self._asking = asyncio.Semaphore(MOST_ASKED)
        self._users: Kept[tuple[auth.User | None]] = Kept()
        self._verdicts: Kept[bool] = Kept()
        self._told = ""

    async def admit(
        self, peer: tls.Peer | None, authorization: str, method: str, path: str
    ) -> auth.User:
        """Return who asks, when he may.

        Args:
            peer: What the client's certificate says, which the handshake has verified.
            authorization: The header of that name.
            method: The HTTP method.
            path: The path, decoded.

        Raises:
            auth.Refused: He may not, or is not known.
        """
        user = await self._identify(peer, authorization)
        if user is None:
            raise auth.unauthorized()
        await self._check(auth.question(user, method, path))
        return user

    async def _identify(self, peer: tls.Peer | None, authorization: str) -> auth.User | None:
        if peer is not None and peer.name and self._clock.now().timestamp() < peer.until_s:
            return auth.authenticated(auth.User(name=peer.name, groups=peer.organizations))
        shown = auth.token(authorization)
        if shown and self._settings.webhook_auth:
            return await self._review(shown)
        return auth.NOBODY if self._settings.anonymous_auth else None

    async def _review(self, shown: str) -> auth.User | None:
        key = hashlib.sha256(shown.encode("utf-8", "surrogateescape")).digest()
        known = self._users.get(key, self._clock.monotonic())
        if known is not None:
            return known[0]
        if self._api is None or not shown.isprintable() or not shown.isascii():
            return None
        try:
            answer = await self._ask(self._api, auth.TOKEN_REVIEWS, auth.token_review(shown))
        except port.ApiFault as fault:
            self._tell("cannot find out whose a token is", fault)
            return None
        user = auth.reviewed(answer)
        until_s = self._clock.monotonic() + self._settings.webhook_auth_cache_s
        self._users.put(key, (user,), until_s=until_s)
        return user

    async def _ask(self, api: port.Api, path: str, body: port.Object) -> port.Object:
        async with self._asking:
            answer = await api.ask("POST", path, body)
        self._told = ""
        return answer

    def _tell(self, words: str, fault: port.ApiFault) -> None:
        """Log once, until the API server answers again: whoever asks cannot fill the log."""
        level = logging.DEBUG if str(fault) == self._told else logging.WARNING
        self._told = str(fault)
        log.log(level, "%s: %s", words, fault)

    async def _check(self, asked: auth.Question) -> None:
        """Return when somebody may.

        Raises:
            auth.Refused: He may not, or nobody can say.
        """
        if self._settings.authorization_mode == "AlwaysAllow":
            return
        for subresource in asked.subresources:
            if await self._may(asked, subresource):
                return
        raise asked.forbidden()

    async def _may(self, asked: auth.Question, subresource: str) -> bool:
        key = (asked.user, asked.verb, subresource)
        known = self._verdicts.get(key, self._clock.monotonic())
        if known is not None:
            return known
        if self._api is None:
            return False
        body = auth.access_review(asked, subresource, node=self._settings.node_name)
        try:
            answer = await self._ask(self._api, auth.ACCESS_REVIEWS, body)
        except port.ApiFault as fault:
            self._tell(f"cannot find out what {asked.user.name} may", fault)
            raise asked.undecided(subresource) from fault
        verdict = auth.allowed(answer)
        settings = self._settings
        lasts_s = settings.authorized_cache_s if verdict else settings.unauthorized_cache_s
        self._verdicts.put(key, verdict, until_s=self._clock.monotonic() + lasts_s)
        return verdict
