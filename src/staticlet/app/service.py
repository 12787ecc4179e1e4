"""The agent as a service: what systemd hears of it, and its configuration read anew.

systemd hears READY once pods are looked after, how many there are, and a sign of life as often as
its watchdog wants one. The sign comes from a task of the loop, and only while the list of what
runs is not stuck: an agent whose loop stands still or that looks after nothing is ended, and
started again. Pods do not notice.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from staticlet.aio import clock as clocks
from staticlet.app import logs, vitals
from staticlet.config import load, reload
from staticlet.config.settings import Settings
from staticlet.host import notify

log = logging.getLogger(__name__)

STATUS_S = 5.0
"""How often the status line may change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What stands around an agent.

    Attributes:
        notifier: Tells systemd.
        hangup: Set when the configuration is to be read anew.
        load: Reads the configuration; None where that is not possible.
    """

    notifier: notify.Notifier = field(default_factory=notify.Notifier)
    hangup: asyncio.Event = field(default_factory=asyncio.Event)
    load: Callable[[], load.Loaded] | None = None


class Living(Protocol):
    """What tells how the agent is."""

    @property
    def works(self) -> asyncio.Event:
        """Set once pods are looked after."""
        ...

    def vitals(self) -> vitals.Vitals:
        """How it is."""
        ...


class Subject(Protocol):
    """The agent, as far as it can be told other things."""

    @property
    def works(self) -> asyncio.Event:
        """Set once pods are looked after."""
        ...

    @property
    def settings(self) -> Settings:
        """What holds now."""
        ...

    def use(self, settings: Settings) -> None:
        """Go on with other settings, of which only live ones may differ."""
        ...


async def tell(agent: Living, notifier: notify.Notifier, clock: clocks.Clock) -> None:
    """Tell systemd how the agent is, until cancelled; returns at once where nobody listens."""
    if not notifier.listened_to:
        return
    period_s = min(STATUS_S, (notifier.watchdog_s or math.inf) / 2)
    told, ready, absent_s, due_s = "", False, -math.inf, -math.inf
    while True:
        now, time_s = agent.vitals(), clock.monotonic()
        if now.works and not ready:
            ready, due_s = True, -math.inf
            notifier.ready()
        if now.fault:
            absent_s = time_s
        text = vitals.status(now)
        if text != told and time_s >= due_s:
            told, due_s = text, time_s + STATUS_S
            notifier.status(text)
        if notifier.watchdog_s and not vitals.stuck(now, absent_s=absent_s, time_s=time_s):
            notifier.alive()
        await _pause(period_s, None if ready else agent.works)


async def _pause(seconds: float, unless: asyncio.Event | None) -> None:
    """Sleep, or less if the event comes first."""
    if unless is None:
        await asyncio.sleep(seconds)
        return
    try:
        async with asyncio.timeout(seconds):
            await unless.wait()
    except TimeoutError:
        pass  # time to tell again


async def reload_on_hangup(agent: Subject, service: Service, clock: clocks.Clock) -> None:
    """Read the configuration anew whenever that is asked for, until cancelled."""
    if service.load is None:
        return
    while True:
        await service.hangup.wait()
        service.hangup.clear()
        ready = agent.works.is_set()
        if ready:
            service.notifier.reloading(monotonic_s=clock.monotonic())
        settings = reloaded(agent.settings, service.load)
        if settings != agent.settings:
            agent.use(settings)
            logs.set_up(settings)
        if ready:
            service.notifier.ready()


def reloaded(old: Settings, read: Callable[[], load.Loaded]) -> Settings:
    """The settings that hold after the configuration was read anew; says what became of it.

    A configuration that does not hold changes nothing. Nor does a manifest directory that does
    not exist take the place of one that does: all its pods would end.
    """
    try:
        loaded = read()
    except load.ConfigError as error:
        for finding in error.findings:
            log.error("%s", finding, extra={"origin": finding.source})  # noqa: TRY400  it says it
        log.error("the configuration is not taken: what held before goes on")  # noqa: TRY400
        return old
    for finding in loaded.findings:
        log.warning("%s", finding, extra={"origin": finding.source})
    new = replace(loaded.settings, root_dir=loaded.settings.root_dir.resolve())
    path = new.static_pod_path
    if path is not None and path != old.static_pod_path and not path.exists():
        log.error("staticPodPath: %s does not exist: the configuration is not taken", path)
        return old
    outcome = reload.changes(old, new)
    if outcome.kept:
        log.warning(
            "changed, but only with a new start of staticlet: %s",
            "; ".join(map(str, outcome.kept)),
        )
    log.info("configuration read anew; changed: %s", ", ".join(outcome.applied) or "nothing")
    return outcome.settings
