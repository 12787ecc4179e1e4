"""Does containerd answer? Two questions, each on a connection of its own that is closed again."""

from __future__ import annotations

from pathlib import Path

from staticlet.runtime import port
from staticlet.runtime.cri import channel, images, runtime

CALL_TIMEOUT_S = 5.0


async def version(socket: Path) -> str | None:
    """What containerd calls itself, or None while its CRI service does not answer."""
    try:
        async with channel.Connection(str(socket)) as connection:
            answer = await runtime.CriRuntime(
                connection, request_timeout_s=CALL_TIMEOUT_S
            ).version()
    except port.RuntimeFault:
        return None
    return f"{answer.name} {answer.version}"


async def has_image(socket: Path, ref: str) -> bool:
    """Whether the CRI service knows an image by this name; False while it does not answer.

    It learns of an import by an event, some milliseconds after `ctr` is done.
    """
    try:
        async with channel.Connection(str(socket)) as connection:
            cri = images.CriImages(connection, request_timeout_s=CALL_TIMEOUT_S)
            return await cri.image_status(ref) is not None
    except port.RuntimeFault:
        return False
