"""A node with its machine, its runtime and its API server, all of them fakes, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from staticlet.client import port
from staticlet.config.settings import Settings
from staticlet.node import joined
from staticlet.testing import fake_runtime, fakeapi, fakemachine, fakes

NODE = "/api/v1/nodes/node1"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node1"
SETTINGS = Settings(node_name="node1")
DOWN = port.Unreachable("nobody answers")


class World:
    """A node and all that it lives with.

    Args:
        api: A server that is there already.
        settings: What the node is told.

    Attributes:
        clock: The loop's time.
        api: The server.
        runtime: The container runtime.
        machine: The machine.
        events: What was told of the Node: type, reason and message.
        node: The node; `running` has it run.
    """

    def __init__(self, api: fakeapi.FakeApi | None = None, settings: Settings = SETTINGS) -> None:
        self.clock = fakes.LoopClock()
        self.api = api or fakeapi.FakeApi()
        self.runtime = fake_runtime.FakeRuntime(self.clock)
        self.machine = fakemachine.FakeMachine()
        self.events: list[tuple[str, str, str]] = []
        self.node = joined.Node(
            self.api,
            settings,
            runtime=self.runtime,
            images=self.runtime.images,
            tell=lambda *event: self.events.append(event),
            clock=self.clock,
            random=lambda: 0.5,
            host=self.machine,
        )

    @property
    def there(self) -> Any:
        """The Node as the server has it; None for none."""
        return self.api.objects.get(NODE)

    @property
    def lease(self) -> Any:
        """The Lease as the server has it; None for none."""
        return self.api.objects.get(LEASE)

    @property
    def reasons(self) -> list[str]:
        """The reasons of what was told."""
        return [reason for _, reason, _ in self.events]

    def ready(self) -> tuple[str, str]:
        """Status and message of the condition Ready."""
        conditions = {one["type"]: one for one in self.there["status"]["conditions"]}
        return conditions["Ready"]["status"], conditions["Ready"]["message"]

    def times(self, call: str) -> int:
        """How often something was asked: `PUT /apis/…`."""
        return self.api.calls.count(call)


@contextlib.asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    """The world with its node at work, until the end of the block."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(world.node.run(), name="node")
        try:
            yield world
        finally:
            task.cancel()
