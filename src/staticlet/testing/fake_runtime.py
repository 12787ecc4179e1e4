"""A verified fake of the runtime port: sandboxes and containers in memory, with containerd's ways.

Verified: tests/contract/test_runtime_contract.py holds it and a real containerd to the same cases.
What a container does is looked up by its command in `programs`; one that is not there runs for
ever and obeys TERM.
"""

from __future__ import annotations

import asyncio
import itertools
import pathlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace

from staticlet.aio import clock
from staticlet.runtime import port
from staticlet.testing import builders, fake_images, fake_records, fakes
from staticlet.wire import crilog

KILLED = 137
_FIRST_PID = 5_000_000  # above Linux' largest pid: nobody can meet a real process
_EVENTS_KEPT = 1000

PROGRAMS: Mapping[tuple[str, ...], fakes.Program] = {
    builders.STUBBORN: fakes.Program(on_term=None),
    builders.SUCCEEDS: fakes.Program(exits_with=0),
    builders.FAILS: fakes.Program(
        exits_with=3, after_s=0.02, output=(("stdout", "hello"), ("stderr", "oops"))
    ),
    builders.ABSENT: fakes.Program(
        start_error='failed to create containerd task: exec: "/no/such/program": '
        "stat /no/such/program: no such file or directory"
    ),
}


class FakeRuntime:
    """A `port.Runtime` in memory.

    Args:
        source: The clock that dates what happens.
        images: The images that containers can be made of; by default one with busybox.
        write_logs: Whether containers write their log files where their sandbox says.

    Attributes:
        trouble: Faults, delays, going down, and the record of calls.
        images: The images.
        programs: What commands do; add your own.
        handlers: Runtime handlers that exist, besides the default.
        driver: What `cgroup_driver` says.
        has_events: Whether GetContainerEvents exists (containerd 1.6: it does not).
        state: What `conditions` says.
    """

    def __init__(
        self,
        source: clock.Clock,
        *,
        images: fake_images.FakeImages | None = None,
        write_logs: bool = False,
    ) -> None:
        self.images = images or fake_images.FakeImages()
        self.trouble = self.images.trouble
        self.programs = dict(PROGRAMS)
        self.handlers: set[str] = set()
        self.driver: str | None = None
        self.has_events = False
        self.state = (
            port.RuntimeCondition(type="RuntimeReady", status=True),
            port.RuntimeCondition(type="NetworkReady", status=True),
        )
        self._stamps = fakes.Stamps(source)
        self._write_logs = write_logs
        self._numbers = itertools.count(1)
        self._sandboxes: dict[str, fake_records.Sandbox] = {}
        self._containers: dict[str, fake_records.Container] = {}
        self._followers: list[asyncio.Queue[port.RuntimeEvent | None]] = []

    # What tests do

    def exit(
        self, container_id: str, *, code: int = 1, reason: str = "", message: str = ""
    ) -> None:
        """Let a running container end by itself, also while the runtime is down.

        `reason` is containerd's by default: Completed or Error; say OOMKilled for that.
        """
        self._end(self._containers[container_id], code, reason=reason, message=message)

    def break_sandbox(self, sandbox_id: str) -> None:
        """Let a sandbox's own process die: it is not ready any more, its containers go on."""
        found = self._sandboxes[sandbox_id]
        found.sandbox = replace(found.sandbox, ready=False)
        self._tell(sandbox_id, port.EventType.STOPPED, sandbox_id)

    def break_events(self) -> None:
        """Let the streams of events end with Unavailable, as when the runtime restarts."""
        for follower in self._followers:
            follower.put_nowait(None)

    def running(self) -> list[str]:
        """The names of the containers that run now, `pod/container`, sorted."""
        return sorted(
            f"{self._sandboxes[each.sandbox_id].sandbox.name}/{each.status.name}"
            for each in self._containers.values()
            if each.status.state is port.ContainerState.RUNNING
        )

    # The port

    async def version(self) -> port.RuntimeVersion:
        """Who is there."""
        await self.trouble.enter("version")
        return port.RuntimeVersion(name="fake", version="1.6.20", api_version="v1")

    async def conditions(self) -> Sequence[port.RuntimeCondition]:
        """What `state` says."""
        await self.trouble.enter("conditions")
        return self.state

    async def cgroup_driver(self) -> str | None:
        """What `driver` says."""
        await self.trouble.enter("cgroup_driver")
        return self.driver

    async def run_sandbox(self, config: port.SandboxConfig, *, handler: str = "") -> str:
        """Create and start a sandbox; its id."""
        await self.trouble.enter("run_sandbox", config.name)
        if handler and handler not in self.handlers:
            raise port.RuntimeFault(
                f'failed to get sandbox runtime: no runtime for "{handler}" is configured'
            )
        key = f"{config.name}_{config.namespace}_{config.uid}_{config.attempt}"
        for each in self._sandboxes.values():
            if fake_records.sandbox_key(each.config) == key:
                raise port.RuntimeFault(
                    f'failed to reserve sandbox name "{key}": name "{key}" is reserved for '
                    f'"{each.sandbox.id}"'
                )
        number = next(self._numbers)
        sandbox = fake_records.new_sandbox(
            config, fake_records.new_id(number), self._stamps.next()
        )
        self._sandboxes[sandbox.id] = fake_records.Sandbox(
            sandbox, config, fake_records.addresses(config, number), _FIRST_PID + number
        )
        self._tell(sandbox.id, port.EventType.CREATED, sandbox.id)
        self._tell(sandbox.id, port.EventType.STARTED, sandbox.id)
        return sandbox.id

    async def stop_sandbox(self, sandbox_id: str) -> None:
        """Stop a sandbox and kill its containers; stopped or absent ones are no error."""
        await self.trouble.enter("stop_sandbox", sandbox_id)
        if sandbox_id in self._sandboxes:
            self._stop(sandbox_id)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Remove a sandbox with all its containers; absent ones are no error."""
        await self.trouble.enter("remove_sandbox", sandbox_id)
        if sandbox_id not in self._sandboxes:
            return
        self._stop(sandbox_id)
        for container_id, _ in self._inside(sandbox_id):
            self._delete(container_id)
        del self._sandboxes[sandbox_id]
        self._tell(sandbox_id, port.EventType.DELETED, sandbox_id)

    async def sandbox_status(
        self, sandbox_id: str, *, verbose: bool = False
    ) -> port.SandboxStatus:
        """One sandbox in detail."""
        await self.trouble.enter("sandbox_status", sandbox_id)
        found = self._sandbox(sandbox_id)
        return port.SandboxStatus(
            sandbox=found.sandbox,
            ips=found.ips if found.sandbox.ready else (),
            network=found.config.namespaces.network,
            pid=found.pid if verbose and found.sandbox.ready else None,
        )

    async def list_sandboxes(self, labels: Mapping[str, str]) -> Sequence[port.Sandbox]:
        """All sandboxes that carry these labels, in no order."""
        await self.trouble.enter("list_sandboxes")
        return tuple(
            found.sandbox
            for _, found in sorted(self._sandboxes.items())
            if labels.items() <= found.sandbox.labels.items()
        )

    async def create_container(
        self,
        sandbox_id: str,
        config: port.ContainerConfig,
        sandbox_config: port.SandboxConfig,
    ) -> str:
        """Create a container; its id."""
        await self.trouble.enter("create_container", config.name)
        if not self._sandbox(sandbox_id).sandbox.ready:
            raise port.NotFound(f"failed to get sandbox container task: {sandbox_id}: not found")
        image = self.images.find(config.image)
        key = f"{config.name}_{fake_records.sandbox_key(sandbox_config, attempt=config.attempt)}"
        for other_id, other in self._containers.items():
            if other.key == key:
                raise port.RuntimeFault(
                    f'failed to reserve container name "{key}": name "{key}" is reserved for '
                    f'"{other_id}"'
                )
        if image is None:
            raise port.NotFound(f'failed to resolve image "{config.image}": not found')
        number = next(self._numbers)
        log = pathlib.PurePath(sandbox_config.log_directory, config.log_path)
        status = fake_records.new_status(
            config, fake_records.new_id(number), self._stamps.next(), image, str(log)
        )
        self._containers[status.id] = fake_records.Container(
            status,
            sandbox_id,
            key,
            self.programs.get(config.command, fakes.Program()),
            _FIRST_PID + number,
        )
        self._tell(status.id, port.EventType.CREATED, sandbox_id)
        return status.id

    async def start_container(self, container_id: str) -> None:
        """Start a created container."""
        await self.trouble.enter("start_container", container_id)
        found = self._container(container_id)
        if found.status.state is not port.ContainerState.CREATED:
            raise port.RuntimeFault(
                f'failed to set starting state for container "{container_id}": container is in '
                f"CONTAINER_{found.status.state.name} state"
            )
        program = found.program
        if program.start_error:
            self._end(found, 128, reason="StartError", message=program.start_error)
            raise port.RuntimeFault(program.start_error)
        found.status = replace(
            found.status,
            state=port.ContainerState.RUNNING,
            started_at_ns=self._stamps.next(),
            pid=found.pid,
        )
        self._log(found)
        self._tell(container_id, port.EventType.STARTED, found.sandbox_id)
        if program.exits_with is not None:
            self._later(program.after_s, found, program.exits_with)

    async def stop_container(self, container_id: str, *, grace_s: int) -> None:
        """Stop: TERM, then KILL after the grace; stopped or absent containers are no error."""
        await self.trouble.enter("stop_container", container_id)
        found = self._containers.get(container_id)
        if found is None or found.status.state is not port.ContainerState.RUNNING:
            return
        if grace_s > 0:
            if found.program.on_term is not None:
                self._later(found.program.term_s, found, found.program.on_term)
            if await self.trouble.wait(found.ended, grace_s):
                return
        self._end(found, KILLED)

    async def remove_container(self, container_id: str) -> None:
        """Remove a container, killing it if it must; absent ones are no error."""
        await self.trouble.enter("remove_container", container_id)
        if found := self._containers.get(container_id):
            if found.status.state is port.ContainerState.RUNNING:
                self._end(found, KILLED)
            self._delete(container_id)

    async def container_status(
        self, container_id: str, *, verbose: bool = False
    ) -> port.ContainerStatus:
        """One container in detail."""
        await self.trouble.enter("container_status", container_id)
        status = self._container(container_id).status
        return status if verbose else replace(status, pid=None)

    async def list_containers(self, labels: Mapping[str, str]) -> Sequence[port.Container]:
        """All containers that carry these labels, in no order."""
        await self.trouble.enter("list_containers")
        return tuple(
            fake_records.listed(found)
            for _, found in sorted(self._containers.items())
            if labels.items() <= found.status.labels.items()
        )

    async def reopen_log(self, container_id: str) -> None:
        """Do nothing, but only for a running container."""
        await self.trouble.enter("reopen_log", container_id)
        if self._container(container_id).status.state is not port.ContainerState.RUNNING:
            raise port.RuntimeFault("container is not running")

    async def events(self) -> AsyncGenerator[port.RuntimeEvent, None]:
        """Follow what happens to containers; Unsupported unless `has_events`."""
        await self.trouble.enter("events")
        if not self.has_events:
            raise port.Unsupported("method GetContainerEvents not implemented")
        follower: asyncio.Queue[port.RuntimeEvent | None] = asyncio.Queue(_EVENTS_KEPT)
        self._followers.append(follower)
        try:
            while (event := await follower.get()) is not None:
                yield event
        finally:
            self._followers.remove(follower)
        raise port.Unavailable("the stream of events broke off")

    # Inside

    def _sandbox(self, sandbox_id: str) -> fake_records.Sandbox:
        if found := self._sandboxes.get(sandbox_id):
            return found
        raise port.NotFound(
            f'an error occurred when try to find sandbox "{sandbox_id}": not found'
        )

    def _container(self, container_id: str) -> fake_records.Container:
        if found := self._containers.get(container_id):
            return found
        raise port.NotFound(
            f'an error occurred when try to find container "{container_id}": not found'
        )

    def _inside(self, sandbox_id: str) -> list[tuple[str, fake_records.Container]]:
        return [
            (container_id, found)
            for container_id, found in self._containers.items()
            if found.sandbox_id == sandbox_id
        ]

    def _stop(self, sandbox_id: str) -> None:
        for _, found in self._inside(sandbox_id):
            if found.status.state is port.ContainerState.RUNNING:
                self._end(found, KILLED)
        if self._sandboxes[sandbox_id].sandbox.ready:
            self.break_sandbox(sandbox_id)

    def _delete(self, container_id: str) -> None:
        found = self._containers.pop(container_id)
        self._tell(container_id, port.EventType.DELETED, found.sandbox_id)

    def _later(self, seconds: float, found: fake_records.Container, code: int) -> None:
        if seconds > 0:
            asyncio.get_running_loop().call_later(seconds, self._end, found, code)
        else:
            self._end(found, code)

    def _end(
        self, found: fake_records.Container, code: int, *, reason: str = "", message: str = ""
    ) -> None:
        if found.status.state is port.ContainerState.EXITED:
            return
        found.status = replace(
            found.status,
            state=port.ContainerState.EXITED,
            finished_at_ns=self._stamps.next(),
            exit_code=code,
            reason=reason or ("Error" if code else "Completed"),
            message=message,
            pid=None,
        )
        found.ended.set()
        self._tell(found.status.id, port.EventType.STOPPED, found.sandbox_id)

    def _tell(self, container_id: str, kind: port.EventType, sandbox_id: str) -> None:
        event = port.RuntimeEvent(container_id=container_id, type=kind, sandbox_id=sandbox_id)
        for follower in self._followers:
            follower.put_nowait(event)

    def _log(self, found: fake_records.Container) -> None:
        if not self._write_logs:
            return
        path = pathlib.Path(found.status.log_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        stamp = crilog.stamp(found.status.started_at_ns)
        with path.open("ab") as log:
            for stream, text in found.program.output:
                log.write(f"{stamp} {stream} F {text}\n".encode())
