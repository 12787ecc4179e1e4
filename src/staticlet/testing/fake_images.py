"""A verified fake of the images port: images in memory, registries that obey the test."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from staticlet.runtime import port
from staticlet.testing import builders, fakes


class FakeImages:
    """A `port.Images` in memory.

    It holds `builders.BUSYBOX`; a registry behind it knows nothing until the test says so.

    Attributes:
        trouble: Faults, delays and the record of calls.
        pulls: Each pull that was asked for: image and credentials.
    """

    def __init__(self, *, trouble: fakes.Trouble | None = None) -> None:
        self.trouble = trouble or fakes.Trouble()
        self.pulls: list[tuple[str, port.RegistryAuth | None]] = []
        self._present: dict[str, port.Image] = {}
        self._registry: dict[str, port.Image] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self.add(builders.BUSYBOX)

    def add(
        self, ref: str, *, uid: int | None = None, username: str = "", size_bytes: int = 1_000_000
    ) -> port.Image:
        """Have an image, as if it had been imported."""
        image = _image(ref, uid=uid, username=username, size_bytes=size_bytes)
        self._present[ref] = image
        return image

    def offer(self, ref: str, *, uid: int | None = None, username: str = "") -> None:
        """Let a registry have an image, so that it can be pulled."""
        self._registry[ref] = _image(ref, uid=uid, username=username, size_bytes=1_000_000)

    def forget(self, ref: str) -> None:
        """Lose an image, as garbage collection would."""
        self._present.pop(ref, None)

    def hold(self, ref: str) -> None:
        """Let pulls of an image wait until `release`."""
        self._gates[ref] = asyncio.Event()

    def release(self, ref: str) -> None:
        """Let waiting pulls of an image go on."""
        self._gates.pop(ref).set()

    def find(self, ref: str) -> port.Image | None:
        """An image by its name or id, without a call."""
        by_id = (image for image in self._present.values() if image.id == ref)
        return self._present.get(ref) or next(by_id, None)

    async def image_status(self, ref: str) -> port.Image | None:
        """The image, or None when it is not present."""
        await self.trouble.enter("image_status", ref)
        return self.find(ref)

    async def pull(
        self,
        ref: str,
        *,
        auth: port.RegistryAuth | None = None,
        sandbox: port.SandboxConfig | None = None,
    ) -> str:
        """Pull what was offered; anything else the registry does not have."""
        self.pulls.append((ref, auth))
        await self.trouble.enter("pull", ref)
        if gate := self._gates.get(ref):
            await self.trouble.wait(gate, None)
        if ref not in self._registry:
            raise port.NotFound(
                f'failed to pull and unpack image "{ref}": failed to resolve reference "{ref}": '
                f"{ref}: not found"
            )
        self._present[ref] = self._registry[ref]
        return self._present[ref].id

    async def list_images(self) -> Sequence[port.Image]:
        """All images that are present."""
        await self.trouble.enter("list_images")
        return tuple(self._present.values())


def _image(ref: str, *, uid: int | None, username: str, size_bytes: int) -> port.Image:
    digest = hashlib.sha256(ref.encode()).hexdigest()
    return port.Image(
        id=f"sha256:{digest}",
        tags=() if "@" in ref else (ref,),
        digests=(ref,) if "@" in ref else (),
        size_bytes=size_bytes,
        uid=uid,
        username=username,
    )
