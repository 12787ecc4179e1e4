"""What the node writes of pods in the API: their status, and that they are gone.

An answer counts as soon as it is there, before the watch brings the same. Two kinds of servers are
not believed at once: one that says of a pod that it is gone, which a kube-apiserver says of every
pod when it has just started, as its NodeRestriction plugin has not read any yet; and one that
takes a status but does not keep all of it, because it is too old to know every field. The first is
asked once more; the second is sent a status once for each change, not again and again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from staticlet.aio import clock as clocks
from staticlet.client import port
from staticlet.node import answers, collection, tending, undoing
from staticlet.pods import wanted
from staticlet.pods.sources import apipods, podshape

Object = dict[str, Any]

Change: TypeAlias = Callable[[Mapping[str, Any]], Object | None]
"""What of an object's status is to be changed, as the value of a patch; None for nothing."""

_DELETE = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
_GONE = frozenset((HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))


class PodWrites:
    """Writes pods of one node; the pods as they are by now.

    Args:
        api: The API server.
        there: The pods as the watch has them.
        clock: The time.
        random: A number from 0 to 1 at each call, for pauses.
    """

    def __init__(
        self,
        api: port.Api,
        there: collection.Collection,
        clock: clocks.Clock,
        random: Callable[[], float],
    ) -> None:
        self._api = api
        self._there = there
        self._written = collection.Written(there)
        self._not_kept: dict[wanted.PodKey, tuple[str, int, Object]] = {}
        self._last: dict[wanted.PodKey, tuple[str, Object]] = {}
        self._overwritten = undoing.Undoing[wanted.PodKey](clock, random)

    def newest(self, key: wanted.PodKey) -> Object | None:
        """The object as it is by now; None when there is none."""
        return self._written.newest(key)

    def take(self, key: wanted.PodKey, made: Object) -> None:
        """Note what the server answered to somebody else's request."""
        self._written.take(key, made)

    def forget(self, key: wanted.PodKey) -> None:
        """Nobody asks for it any more."""
        self._written.forget(key)
        self._not_kept.pop(key, None)
        self._last.pop(key, None)
        self._overwritten.forget(key)

    async def remove(self, key: wanted.PodKey, uid: str) -> None:
        """Remove a pod at once; another one that has its name by now is spared.

        One that finalizers keep stays, as one that is going.

        Raises:
            ApiFault: It may still be there.
        """
        body = {**_DELETE, "preconditions": {"uid": uid}}
        left = await self._asked(key, uid, self._api.ask("DELETE", path(*key), body))
        stays = left is not None and podshape.is_pod(left) and apipods.is_kept(left)
        if left is not None and stays and apipods.uid_of(left) == uid:
            self._written.take(key, left)
        else:
            self._gone(key, uid)

    async def tell(
        self, key: wanted.PodKey, obj: Mapping[str, Any], change: Change
    ) -> float | None:
        """Write what of a pod's status is not as it should be; the newest counts.

        What the server did not keep of the same status the last time is not sent again, until it
        was listed anew: another server may answer then. What has changed here while it was being
        written is no such thing, and is sent. What somebody overwrites is put right at once at
        first, and ever more slowly where he goes on.

        Args:
            key: The pod.
            obj: The object as it is by now.
            change: Decides what is to be changed.

        Returns:
            None where there is nothing to write; 0 when it was written, or found to be gone;
            otherwise the seconds for which it is left as somebody else has it.

        Raises:
            ApiFault: It could not be written now.
        """
        status, uid = change(obj), apipods.uid_of(obj)
        if status is None or self._not_kept.get(key) == (uid, self._there.listings, status):
            return None
        again = self._last.get(key) == (uid, status)
        if again and (left_s := self._overwritten.left_s(key)):
            return left_s
        body = {"metadata": {"uid": uid}, "status": status}
        place = f"{path(*key)}/status"
        request = ask(self._api, key, "PATCH", place, body, media=port.STRATEGIC_PATCH)
        made = await self._asked(key, uid, request)
        if made is None:
            self._gone(key, uid)
            return 0.0
        if again:
            self._overwritten.undone(key)
        self._last[key] = uid, status
        self._written.take(key, made)
        self._not_kept.pop(key, None)
        lacking = change(made)
        if lacking is not None and _is_part(lacking, status):
            self._not_kept[key] = uid, self._there.listings, lacking
        return 0.0

    def _gone(self, key: wanted.PodKey, uid: str) -> None:
        self._written.gone(key, uid)
        self._not_kept.pop(key, None)
        self._last.pop(key, None)

    async def _asked(
        self, key: wanted.PodKey, uid: str, request: Awaitable[Object]
    ) -> Object | None:
        """The answer; None where the pod is gone, or another one has its name.

        Raises:
            ApiFault: As `Api.ask`; or the server says that it is gone, and yet it is there.
        """
        try:
            return await request
        except port.Refused as fault:
            if fault.code not in _GONE:
                raise
            if await self._is_still(key, uid):
                words = f"{self._api.server}: {fault}, and yet it is there"
                raise tending.Doubt(words) from fault
            return None

    async def _is_still(self, key: wanted.PodKey, uid: str) -> bool:
        """Whether it is there all the same: no event would ever tell so.

        A Node authorizer permits a node what it has to do with, so of a pod that is gone it says
        403. It does so of any pod until it has read them: the watch, or another try, will tell.

        Raises:
            ApiFault: As `Api.ask`; or that cannot be said.
        """
        try:
            there = await self._api.ask("GET", path(*key))
        except port.Refused as fault:
            if fault.code == HTTPStatus.FORBIDDEN:
                raise tending.Doubt(f"{self._api.server}: {fault}: it may be gone") from fault
            if fault.code != HTTPStatus.NOT_FOUND:
                raise
            return False
        return podshape.is_pod(there) and apipods.uid_of(there) == uid


def _is_part(lacking: Any, sent: Any) -> bool:
    """Whether all that is lacking was sent just so; conditions go by their types."""
    if isinstance(lacking, dict) and isinstance(sent, dict):
        return all(name in sent and _is_part(one, sent[name]) for name, one in lacking.items())
    if isinstance(lacking, list) and isinstance(sent, list) and lacking != sent:
        of_type = {one["type"]: one for one in sent if isinstance(one, dict) and "type" in one}
        return bool(of_type) and all(
            isinstance(one, dict) and _is_part(one, of_type.get(one.get("type")))
            for one in lacking
        )
    return bool(lacking == sent)


async def ask(
    api: port.Api,
    key: wanted.PodKey,
    method: str,
    place: str,
    body: Mapping[str, Any] | None = None,
    *,
    media: str = "application/json",
) -> Object:
    """Make a request that is answered with a pod.

    Raises:
        Unreachable: As `Api.ask`; or the answer is no such pod.
        Refused: As `Api.ask`.
    """
    return await answers.ask(api, key.name, method, place, body, media=media, holds=_is_named)


def _is_named(answer: Any, name: str) -> bool:
    return podshape.is_pod(answer) and answer["metadata"]["name"] == name


def path(namespace: str, name: str = "") -> str:
    """Where a pod is in the API; without a name, where all of a namespace are."""
    found = f"/api/v1/namespaces/{namespace}/pods"
    return f"{found}/{name}" if name else found
