"""All facts, gathered side by side, within a few seconds whatever hangs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from staticlet.aio import clock as clocks
from staticlet.app.doctor import facts
from staticlet.app.doctor.gather import (
    agent,
    disk,
    intime,
    leftovers,
    machine,
    manifests,
    network,
    opened,
)
from staticlet.app.doctor.gather import runtime as runtimes
from staticlet.config import load
from staticlet.config.settings import Settings
from staticlet.runtime.cri import inspection

LOOK_S = 2.0
LATER_S = 1.2
READING_S = 1.5

_NO_CONFIGURATION = "the configuration does not hold"
_NO_DIRECTORY = "no manifest directory is configured"


async def gather(loaded: load.Loaded | load.ConfigError, *, clock: clocks.Clock) -> facts.Facts:
    """Look at this machine; what could not be seen in time is left out, and says so."""
    found = _Found()
    found.parts["configuration"] = _configuration(loaded)
    if isinstance(loaded, load.ConfigError):
        await found.add("machine", intime.within(LOOK_S, machine.look))
        found.gaps |= dict.fromkeys(_names() - found.parts.keys(), _NO_CONFIGURATION)
        return found.facts()
    settings = await _real(loaded.settings)
    found.parts["settings"] = settings
    await found.add_all(_first(settings, clock))
    known = found.parts.get("runtime")
    await found.add_all(_later(settings, known.inspection if known else None))
    return found.facts()


async def _real(settings: Settings) -> Settings:
    """The settings with the root directory's real path, which labels go by."""
    try:
        real = await intime.within(LATER_S, lambda: os.path.realpath(settings.root_dir))
    except OSError:
        return settings
    return replace(settings, root_dir=Path(real))


def _first(settings: Settings, clock: clocks.Clock) -> Iterator[tuple[str, Awaitable[Any]]]:
    yield "machine", intime.within(LOOK_S, machine.look)
    yield "node", intime.within(LOOK_S, lambda: machine.node(settings, clock=clock))
    yield "agent", intime.within(LOOK_S, lambda: agent.look(settings))
    yield "opened", intime.within(LOOK_S, opened.look)
    yield "leftovers", intime.within(LOOK_S, lambda: leftovers.look(settings))
    yield "runtime", runtimes.look(settings)
    path = settings.static_pod_path
    if path is not None:
        began = clock.monotonic()
        yield (
            "manifests",
            intime.within(
                LOOK_S,
                lambda: manifests.look(
                    path,
                    settings,
                    elapsed_s=lambda: clock.monotonic() - began,
                    budget_s=READING_S,
                ),
            ),
        )


def _later(
    settings: Settings, said: inspection.Inspection | None
) -> Iterator[tuple[str, Awaitable[Any]]]:
    """What hangs on where the runtime looks and keeps things."""
    root = said.root_dir if said else ""
    yield "network", intime.within(LATER_S, lambda: network.look(said))
    yield "places", intime.within(LATER_S, lambda: disk.places(settings, runtime_root=root))


class _Found:
    """The parts that were gathered so far, and why others are lacking."""

    def __init__(self) -> None:
        self.parts: dict[str, Any] = {}
        self.gaps: dict[str, str] = {"manifests": _NO_DIRECTORY}

    async def add_all(self, looks: Iterable[tuple[str, Awaitable[Any]]]) -> None:
        """Gather parts side by side."""
        async with asyncio.TaskGroup() as group:
            for name, look in looks:
                group.create_task(self.add(name, look), name=name)

    async def add(self, name: str, look: Awaitable[Any]) -> None:
        """Gather one part."""
        try:
            self.parts[name] = await look
        except TimeoutError:
            self.gaps[name] = "looking took too long: something hangs (a dead network disk?)"
        except OSError as fault:
            self.gaps[name] = f"cannot be looked at: {fault}"

    def facts(self) -> facts.Facts:
        """All of it."""
        seen = self.parts.pop("opened", None)
        if isinstance(seen, opened.Open):
            self.parts["inotify"] = seen.inotify
            self.parts["listeners"] = seen.listeners
        elif "opened" in self.gaps:
            self.gaps |= dict.fromkeys(("inotify", "listeners"), self.gaps.pop("opened"))
        return facts.Facts(**self.parts, gaps=self.gaps)


def _names() -> set[str]:
    return {each.name for each in fields(facts.Facts)} - {"gaps"}


def _configuration(loaded: load.Loaded | load.ConfigError) -> facts.Configuration:
    if isinstance(loaded, load.ConfigError):
        return facts.Configuration(errors=loaded.findings)
    return facts.Configuration(
        warnings=loaded.findings,
        ineffective=tuple(f"{one.name} ({one.origin})" for one in loaded.ineffective),
    )
