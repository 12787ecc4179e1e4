"""The URL source at work: asks for manifests every `httpCheckFrequency` and publishes snapshots.

Every decision is in `fetched`. The request is as the kubelet's: GET with the configured headers,
10 s for everything, at most 10 redirects and 10 MiB. What is said of a failure names the URL and
the fault; never a header, which may be a secret.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from staticlet.aio import clock
from staticlet.pods import identity
from staticlet.pods.sources import fetched, judge, lastgood
from staticlet.pods.wanted import Snapshot

if TYPE_CHECKING:
    import aiohttp

_TIMEOUT_S = 10.0
_MOST_REDIRECTS = 10
_CHUNK_BYTES = 64 * 1024


class UrlSource:
    """Follows one URL until it is cancelled."""

    def __init__(
        self,
        url: str,
        *,
        node_name: str,
        read: judge.Reader,
        publish: Callable[[Snapshot], None],
        root_dir: Path,
        times: clock.Clock,
        headers: Mapping[str, tuple[str, ...]] | None = None,
        check_frequency_s: float = 20.0,
        strict: bool = False,
    ) -> None:
        """Prepare; nothing is sent before `run`.

        Args:
            url: Where the manifests are.
            node_name: This node.
            read: The reader of manifests.
            publish: Takes every new snapshot.
            root_dir: The agent's root directory, which holds the last-good cache.
            times: The clocks.
            headers: Sent with every request, each with all its values.
            check_frequency_s: How often to ask while all is well.
            strict: Unknown fields and duplicate keys are errors.
        """
        self._url = url
        self._headers = headers or {}
        self._publish = publish
        self._times = times
        self._frequency_s = check_frequency_s
        self._judge = judge.Judge(
            node_name=node_name, source=identity.HTTP, read=read, strict=strict
        )
        self._cache = lastgood.LastGood(lastgood.directory(root_dir), source=identity.HTTP)
        self._state = fetched.initial(fetched.shown(url))
        self._published: Snapshot | None = None

    async def run(self) -> None:
        """Follow the URL; ends only by cancellation."""
        self._restore()
        while True:
            reply = await self._get()
            self._take(reply)
            await asyncio.sleep(fetched.wait_s(self._state, base_s=self._frequency_s))

    def _restore(self) -> None:
        kept = self._cache.load(self._judge)
        origin = self._state.origin
        self._state = fetched.initial(origin, kept.get(origin, ()))
        self._cache.update(kept, {origin: self._state.judged.goods})  # drop those of other URLs
        if self._state.ready:
            self._tell()

    def _take(self, reply: fetched.Reply | fetched.Failure) -> None:
        before = self._state.judged.goods
        self._state = fetched.respond(
            self._state, reply, time=self._times.now(), judging=self._judge
        )
        self._tell()
        origin = self._state.origin
        self._cache.update({origin: before}, {origin: self._state.judged.goods})

    def _tell(self) -> None:
        snapshot = fetched.snapshot(self._state)
        if snapshot != self._published:
            self._published = snapshot
            self._publish(snapshot)

    async def _get(self) -> fetched.Reply | fetched.Failure:
        import aiohttp

        try:
            timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
            async with (
                aiohttp.ClientSession(
                    timeout=timeout,
                    auto_decompress=False,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    connector=aiohttp.TCPConnector(force_close=True),
                ) as session,
                session.get(
                    self._url, headers=self._sent(), max_redirects=_MOST_REDIRECTS + 1
                ) as response,
            ):
                return await _reply(response)
        except TimeoutError:
            return fetched.Failure(f"did not answer within {_TIMEOUT_S:g} s")
        except aiohttp.TooManyRedirects:
            return fetched.Failure(f"redirects more than {_MOST_REDIRECTS} times")
        except (aiohttp.InvalidURL, ValueError):
            return fetched.Failure("is not a URL that can be asked for: it must be http or https")
        except (aiohttp.ClientError, OSError) as fault:
            return fetched.Failure(f"cannot be reached: {_words(fault)}")

    def _sent(self) -> list[tuple[str, str]]:
        """The headers of a request; compressed answers are not asked for, so that size is size."""
        own = [("User-Agent", "staticlet"), ("Accept-Encoding", "identity")]
        given = [(name, value) for name, values in self._headers.items() for value in values]
        names = {name.lower() for name, _ in given}
        return [(name, value) for name, value in own if name.lower() not in names] + given


async def _reply(response: aiohttp.ClientResponse) -> fetched.Reply:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > judge.LARGEST_BYTES:
            del body[judge.LARGEST_BYTES + 1 :]
            break
    return fetched.Reply(status=response.status, reason=response.reason or "", body=bytes(body))


def _words(fault: BaseException) -> str:
    """What went wrong, without the URL, which may hold a password."""
    import aiohttp

    if isinstance(fault, aiohttp.ClientConnectorError):
        fault = fault.os_error
    if isinstance(fault, OSError) and fault.errno and fault.errno in errno.errorcode:
        return os.strerror(fault.errno).lower()
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror.lower()
    if isinstance(fault, aiohttp.ServerDisconnectedError):
        return "the server closed the connection"
    return type(fault).__name__
