"""Asking the container runtime, each question with a deadline."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import replace
from pathlib import Path

from staticlet.app.doctor import facts, placefacts
from staticlet.app.doctor.gather import disk
from staticlet.config.settings import Settings
from staticlet.pods import labels
from staticlet.runtime import port
from staticlet.runtime.cri import channel, endpoint, images, inspection, runtime

QUESTION_S = 1.2
ALL_S = 2.0
OF_UP = "/run/staticlet/containerd.sock"


async def look(settings: Settings) -> facts.Runtime:
    """What the runtime says, as far as it answers in time."""
    known = _sockets(settings)
    if known.path is None or known.kind is not placefacts.Kind.SOCKET:
        return known
    steps = [known]
    try:
        async with asyncio.timeout(ALL_S), channel.Connection(known.path) as connection:
            await _ask(connection, settings, steps)
    except port.RuntimeFault as fault:
        return replace(steps[-1], fault=fault)
    except TimeoutError:
        late = port.DeadlinePassed(f"{known.path} took longer than {ALL_S:g} s to answer")
        return replace(steps[-1], fault=late)
    return steps[-1]


def _sockets(settings: Settings) -> facts.Runtime:
    """Which sockets there are."""
    try:
        path = endpoint.choose(settings.runtime_endpoint, _is_socket)
    except endpoint.BadEndpoint as fault:
        return facts.Runtime(configured=settings.runtime_endpoint, fault=port.NotCri(str(fault)))
    found: dict[Path, str] = {}
    for each in (*endpoint.WELL_KNOWN, OF_UP):
        if _is_socket(each):
            found.setdefault(Path(each).resolve(), each)  # /var/run is /run
    if path is not None:
        found.pop(Path(path).resolve(), None)
    return facts.Runtime(
        configured=settings.runtime_endpoint,
        path=path,
        others=tuple(found.values()),
        kind=_kind(Path(path)) if path else placefacts.Kind.MISSING,
    )


def _is_socket(path: str) -> bool:
    return _kind(Path(path)) is placefacts.Kind.SOCKET


def _kind(path: Path) -> placefacts.Kind:
    try:
        mode = path.stat().st_mode
    except PermissionError:
        return placefacts.Kind.SOCKET  # who asks there is told
    except OSError:
        return placefacts.Kind.MISSING
    return placefacts.Kind.SOCKET if stat.S_ISSOCK(mode) else disk.kind_of(mode)


async def _ask(
    connection: channel.Connection, settings: Settings, steps: list[facts.Runtime]
) -> None:
    """Ask one thing after the other; what is known so far is the last of `steps`."""

    def learn(**known: object) -> None:
        steps.append(replace(steps[-1], **known))  # type: ignore[arg-type]  # fields of Runtime

    asked = runtime.CriRuntime(connection, request_timeout_s=QUESTION_S)
    learn(version=await asked.version())
    said = await inspection.inspect(connection, timeout_s=QUESTION_S)
    learn(inspection=said)
    learn(driver=await asked.cgroup_driver())
    sandboxes = tuple(await asked.list_sandboxes({}))
    owner = labels.owner(settings.root_dir)
    owned = frozenset(each.id for each in sandboxes if each.labels.get(labels.OWNER) == owner)
    learn(sandboxes=sandboxes, owned=owned)
    if said.sandbox_image:
        store = images.CriImages(connection, request_timeout_s=QUESTION_S)
        there = await store.image_status(said.sandbox_image) is not None
        learn(sandbox_image_present=there)
