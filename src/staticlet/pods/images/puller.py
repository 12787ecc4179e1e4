"""The image puller: answers workers at once, and asks and pulls in the background.

A worker calls `need` as often as it likes; the answer is what is known now, and the wake it hands
in is called when the answer has changed. One question (ImageStatus) and one pull per image run at
a time, shared by everybody who waits for it; a pull goes on as long as one of them remains. An
answer holds for one start of one container: `Always` has each start pulled, the other policies
have each start look. As for the kubelet, at most one pull runs unless `serializeImagePulls` is
off, and `registryPullQPS` bounds how often one begins.

A runtime that does not answer is no failure of the image: questions and pulls wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from staticlet.aio import clock, turns
from staticlet.config import settings
from staticlet.kube import imageref
from staticlet.pods.images import credentials, failure, patience, policy, throttle, words
from staticlet.pods.images.view import ImageView, Request, State
from staticlet.runtime import port

T = TypeVar("T")

Record = Callable[[str, str, str, str, str], None]
"""Takes an event: owner, container, type (`Normal`, `Warning`), reason, message."""

Lookup = Callable[[imageref.Reference], Sequence[credentials.Credential]]
"""Finds the credentials to try for an image, in order."""

OwnersLookup = Callable[[str, imageref.Reference], Sequence[credentials.Credential]]
"""Finds the credentials that an owner brings for an image, in order."""

_NORMAL = "Normal"
_WARNING = "Warning"
_ASKING = ImageView(state=State.WAITING)


@dataclass(slots=True, eq=False)
class _Claim:
    """One container's request and how far it has come.

    `asks` and `pulls` say what it waits for; neither: it is answered. `announced` is the last
    reason that events told of, so that a back-off that goes on is told once. `timer` looks again
    when the view's `until` has come.
    """

    request: Request
    wake: Callable[[], None]
    ref: str
    view: ImageView = _ASKING
    asks: bool = False
    pulls: bool = False
    announced: str = ""
    timer: asyncio.TimerHandle | None = None

    def due(self, now: float) -> bool:
        return self.view.until is not None and now >= self.view.until

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


@dataclass(slots=True, eq=False)
class _Job:
    """A task in the background, and what it tells those who join it later."""

    task: asyncio.Task[None]
    view: ImageView | None = None


class _AllFailed(Exception):
    """Every try to pull failed, for these causes."""

    def __init__(self, attempts: list[failure.Attempt]) -> None:
        super().__init__()
        self.attempts = attempts


def _bring_none(owner: str, reference: imageref.Reference) -> Sequence[credentials.Credential]:
    del owner, reference
    return ()


class Puller:
    """Owns every question about images and every pull."""

    def __init__(
        self,
        images: port.Images,
        config: settings.Settings,
        *,
        time: clock.Clock,
        lookup: Lookup,
        record: Record,
        brought: OwnersLookup = _bring_none,
    ) -> None:
        """Make a puller that answers at once, and acts as soon as `run` does.

        Args:
            images: The runtime.
            config: How many pulls at once and how often.
            time: For back-off, and for the times in views.
            lookup: Credentials for an image; called for each pull.
            record: Takes events.
            brought: Credentials of those who wait for a pull, which are tried before the others;
                called for each of them.
        """
        self._images = images
        self._time = time
        self._lookup = lookup
        self._record = record
        self._brought = brought
        self._turns = turns.Turns(_most(config))
        self._bucket = throttle.full(
            config.registry_pull_qps, config.registry_burst, time.monotonic()
        )
        self._claims: dict[tuple[str, str], _Claim] = {}
        self._failures: dict[tuple[str, str], policy.PullRecord] = {}
        self._asking: dict[str, _Job] = {}
        self._pulling: dict[str, _Job] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._patience = patience.Patience()

    def use(self, config: settings.Settings) -> None:
        """Keep to other bounds from now on; pulls that run go on."""
        self._turns.resize(_most(config))
        now = self._time.monotonic()
        full = throttle.full(config.registry_pull_qps, config.registry_burst, now)
        if (full.rate, full.burst) != (self._bucket.rate, self._bucket.burst):
            self._bucket = full

    async def run(self) -> None:
        """Serve until cancelled; what was asked for before, or left by an earlier run, begins."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                for claim in self._claims.values():
                    self._start_what_is_missing(claim)
                await asyncio.get_running_loop().create_future()
        finally:
            self._tasks = None
            self._asking.clear()
            self._pulling.clear()

    def need(self, request: Request, wake: Callable[[], None]) -> ImageView:
        """Where this request stands; what it takes is begun, and `wake` called at each change.

        A request that differs from the container's last one takes its place; calling again with
        the same one is free. What has failed is looked into again by itself, when its time comes.
        """
        key = (request.owner, request.container)
        claim = self._claims.get(key)
        if claim is None or claim.request != request:
            self._leave(key)
            claim = self._enter(key, request, wake)
        claim.wake = wake
        if claim.timer is not None and claim.due(self._time.monotonic()):
            claim.stop_timer()
            self._consider(claim)
        return claim.view

    def view(self, request: Request) -> ImageView | None:
        """Where this request stands; None when it was never made, or is not the last one."""
        claim = self._claims.get((request.owner, request.container))
        return claim.view if claim is not None and claim.request == request else None

    def drop(self, owner: str, container: str) -> None:
        """Forget the answer for a container: its image was gone when it was to be used."""
        self._leave((owner, container))

    def forget(self, owner: str) -> None:
        """Forget a pod: what only it waits for is cancelled, its back-off is gone."""
        for key in [key for key in self._claims if key[0] == owner]:
            self._leave(key)
        for key in [key for key in self._failures if key[0] == owner]:
            del self._failures[key]

    def runtime_back(self) -> None:
        """The runtime answers again: go on with all that waits for it."""
        self._patience.runtime_back()

    def _enter(self, key: tuple[str, str], request: Request, wake: Callable[[], None]) -> _Claim:
        claim = _Claim(request=request, wake=wake, ref="")
        self._claims[key] = claim
        try:
            claim.ref = imageref.with_default_tag(request.image)
        except imageref.Invalid as fault:
            message = fault.status_message
            self._tell(claim, _WARNING, "InspectFailed", message)
            self._fail(claim, words.INVALID_IMAGE_NAME, message, until=None)
            return claim
        self._consider(claim)
        return claim

    def _leave(self, key: tuple[str, str]) -> None:
        claim = self._claims.pop(key, None)
        if claim is None:
            return
        claim.stop_timer()
        for jobs, others in (
            (self._asking, self._those_asking(claim.ref)),
            (self._pulling, self._those_pulling(claim.ref)),
        ):
            if not others and (job := jobs.pop(claim.ref, None)):
                job.task.cancel()

    def _consider(self, claim: _Claim) -> None:
        """Take the first step for a claim, new or to be looked into again.

        `Always` goes straight to the pull. The words of an earlier failure stay until there is an
        answer.
        """
        claim.timer = None
        if claim.request.policy == policy.ALWAYS:
            self._apply(claim, None)
        else:
            claim.asks = True
        self._start_what_is_missing(claim)

    def _apply(self, claim: _Claim, present: port.Image | None) -> None:
        """Decide for a claim and carry the decision into its view."""
        request = claim.request
        record = self._failures.get((request.owner, request.image))
        now = self._time.monotonic()
        claim.asks = False
        match policy.decide(request.image, request.policy, present, record, now):
            case policy.Ready(image=image):
                self._tell(claim, _NORMAL, "Pulled", words.already_present(request.image))
                self._settle(claim, ImageView(state=State.PRESENT, image=image))
            case policy.Pull():
                self._tell(claim, _NORMAL, "Pulling", words.pulling(request.image))
                claim.pulls = True
                self._start_what_is_missing(claim)
                job = self._pulling.get(claim.ref)
                self._progress(claim, job.view if job and job.view else _ASKING)
            case policy.BackOff(look_at=look_at, reason=reason, message=message):
                self._tell_once(
                    claim, reason, (_NORMAL, "BackOff", words.backing_off(request.image))
                )
                view = ImageView(
                    state=State.BACKOFF, until=look_at, reason=reason, message=message
                )
                self._settle(claim, view)
            case policy.Refused(look_at=look_at, reason=reason, message=message):
                self._tell_once(claim, reason, (_WARNING, reason, message))
                self._fail(claim, reason, message, until=look_at)

    def _start_what_is_missing(self, claim: _Claim) -> None:
        if self._tasks is None:
            return
        if claim.asks and claim.ref not in self._asking:
            task = self._tasks.create_task(self._ask(claim.ref), name=f"image {claim.ref}")
            self._asking[claim.ref] = _Job(task)
        if claim.pulls and claim.ref not in self._pulling:
            task = self._tasks.create_task(self._pull(claim.ref), name=f"pull {claim.ref}")
            self._pulling[claim.ref] = _Job(task)

    async def _ask(self, ref: str) -> None:
        """Ask the runtime once for an image, for all who want to know."""
        try:
            image = await self._persist(
                lambda: self._images.image_status(ref), lambda: self._those_asking(ref)
            )
        except port.RuntimeFault as fault:
            self._asking.pop(ref, None)
            for claim in self._those_asking(ref):
                self._inspect_failed(claim, str(fault))
            return
        self._asking.pop(ref, None)
        for claim in self._those_asking(ref):
            self._apply(claim, image)

    def _inspect_failed(self, claim: _Claim, cause: str) -> None:
        message = words.inspect_failed(claim.request.image, cause)
        reason = words.IMAGE_INSPECT_ERROR
        self._tell_once(claim, reason, (_WARNING, "InspectFailed", message))
        until = self._time.monotonic() + policy.FIRST_BACK_OFF_S
        self._fail(claim, reason, message, until=until)

    async def _pull(self, ref: str) -> None:
        """Pull an image when it is its turn, for all who wait for it."""
        asked_at = self._time.monotonic()
        try:
            async with self._turns:
                await self._token(ref)
                began_at = self._time.monotonic()
                self._show(ref, ImageView(state=State.PULLING, since=began_at))
                pulled = await self._persist(
                    lambda: self._try_all(ref), lambda: self._those_pulling(ref)
                )
                ended_at = self._time.monotonic()
                image = await self._look(ref, pulled)
        except _AllFailed as fault:
            self._pulling.pop(ref, None)
            self._failed(ref, fault.attempts)
            return
        self._pulling.pop(ref, None)
        self._succeeded(ref, image, pull_s=ended_at - began_at, whole_s=ended_at - asked_at)

    async def _try_all(self, ref: str) -> str:
        """Pull with each credential in turn, or without when there is none; the image's id."""
        reference = imageref.parse(ref)
        owners = dict.fromkeys(claim.request.owner for claim in self._those_pulling(ref))
        own = [each for owner in owners for each in self._brought(owner, reference)]
        found = [*own, *self._lookup(reference)]
        tries: list[tuple[port.RegistryAuth | None, str]]
        tries = [(each.auth, each.file) for each in found] or [(None, "")]
        attempts: list[failure.Attempt] = []
        for auth, file in tries:
            try:
                return await self._images.pull(ref, auth=auth)
            except port.Unavailable:
                raise
            except port.RuntimeFault as fault:
                attempts.append(failure.Attempt(text=str(fault), credentials=file))
        raise _AllFailed(attempts)

    async def _look(self, ref: str, pulled: str) -> port.Image:
        """The image that was just pulled; its bare id when the runtime does not show it."""
        try:
            image = await self._persist(
                lambda: self._images.image_status(ref), lambda: self._those_pulling(ref)
            )
        except port.RuntimeFault:
            image = None
        return image or port.Image(id=pulled)

    async def _token(self, ref: str) -> None:
        self._bucket, wait_s = throttle.take(self._bucket, self._time.monotonic())
        if wait_s > 0:
            message = f"pull QPS exceeded, waiting {words.duration(wait_s)}"
            self._show(ref, ImageView(state=State.WAITING, message=message))
            await asyncio.sleep(wait_s)

    async def _persist(
        self, call: Callable[[], Awaitable[T]], waiting: Callable[[], Sequence[_Claim]]
    ) -> T:
        """Make a call, and tell those who wait for it while the runtime is away."""

        def away(fault: port.Unavailable) -> None:
            message = f"waiting for the container runtime: {fault}"
            for claim in waiting():
                self._progress(claim, ImageView(state=State.WAITING, message=message))

        return await self._patience.persist(call, away)

    def _succeeded(self, ref: str, image: port.Image, *, pull_s: float, whole_s: float) -> None:
        """Answer all who waited for a pull, and those whose own pull of this image had failed."""
        for claim in self._those_of(ref):
            request = claim.request
            self._failures.pop((request.owner, request.image), None)
            if claim.pulls:
                text = words.pulled(
                    request.image, pull_s=pull_s, whole_s=whole_s, size_bytes=image.size_bytes
                )
            elif claim.view.state is State.BACKOFF or claim.view.state is State.FAILED:
                text = words.already_present(request.image)
            else:
                continue
            self._tell(claim, _NORMAL, "Pulled", text)
            self._settle(claim, ImageView(state=State.PRESENT, image=image))

    def _failed(self, ref: str, attempts: Sequence[failure.Attempt]) -> None:
        """Count a failed pull once for each pod and image, and back its containers off."""
        now = self._time.monotonic()
        counted: set[tuple[str, str]] = set()
        for claim in self._those_pulling(ref):
            request = claim.request
            why = failure.explain(request.image, attempts)
            key = (request.owner, request.image)
            if key not in counted:
                counted.add(key)
                self._failures[key] = policy.failed(
                    self._failures.get(key), now, reason=why.reason, message=why.message
                )
            claim.pulls = False
            text = words.pull_failed_event(request.image, why.cause)
            claim.announced = ""
            self._tell_once(claim, why.reason, (_WARNING, "Failed", text))
            self._apply(claim, None)

    def _those_of(self, ref: str) -> list[_Claim]:
        return [claim for claim in self._claims.values() if claim.ref == ref]

    def _those_asking(self, ref: str) -> list[_Claim]:
        return [claim for claim in self._those_of(ref) if claim.asks]

    def _those_pulling(self, ref: str) -> list[_Claim]:
        return [claim for claim in self._those_of(ref) if claim.pulls]

    def _show(self, ref: str, view: ImageView) -> None:
        if job := self._pulling.get(ref):
            job.view = view
        for claim in self._those_pulling(ref):
            self._progress(claim, view)

    def _progress(self, claim: _Claim, view: ImageView) -> None:
        """Show where an unanswered claim stands, under the words of its last failure if any."""
        record = self._failures.get((claim.request.owner, claim.request.image))
        if record is not None:
            view = replace(view, reason=record.reason, message=record.message)
        self._change(claim, view)

    def _settle(self, claim: _Claim, view: ImageView) -> None:
        claim.asks = claim.pulls = False
        claim.stop_timer()
        if view.until is not None:
            wait_s = view.until - self._time.monotonic()
            loop = asyncio.get_running_loop()
            claim.timer = loop.call_later(max(wait_s, 0.0), self._consider, claim)
        self._change(claim, view)

    def _fail(self, claim: _Claim, reason: str, message: str, *, until: float | None) -> None:
        view = ImageView(state=State.FAILED, until=until, reason=reason, message=message)
        self._settle(claim, view)

    def _change(self, claim: _Claim, view: ImageView) -> None:
        before, claim.view = claim.view, view
        if replace(view, until=None) != replace(before, until=None):
            claim.wake()

    def _tell(self, claim: _Claim, kind: str, reason: str, message: str) -> None:
        self._record(claim.request.owner, claim.request.container, kind, reason, message)

    def _tell_once(self, claim: _Claim, reason: str, event: tuple[str, str, str]) -> None:
        """Tell of a waiting reason, and of the start that it stops, when it is a new one."""
        if claim.announced == reason:
            return
        claim.announced = reason
        self._tell(claim, *event)
        self._tell(claim, _WARNING, "Failed", f"Error: {reason}")


def _most(config: settings.Settings) -> int:
    """How many pulls may run at once; 0 is no bound."""
    return 1 if config.serialize_image_pulls else config.max_parallel_image_pulls
