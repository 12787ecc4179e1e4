"""The pause image, made here: a sandbox needs a first process, not a registry.

Debian's `catatonit -P` sleeps until it is told to stop, and reaps what is left to it: all that a
pause container does. It must be linked statically, for nothing else is in the image.
"""

from __future__ import annotations

import struct
from pathlib import Path

from staticlet.runtime.managed import ociimage

REF = "localhost/pause:latest"
PROGRAM = Path("/usr/bin/catatonit")

PT_INTERP = 3


class NotStatic(ValueError):
    """The program needs libraries that the image does not have."""


def archive(program: bytes, *, arch: str, ref: str = REF) -> bytes:
    """The pause image around a program that understands `-P`.

    Raises:
        NotStatic: When the program is not an ELF file that runs without libraries.
    """
    if not is_static(program):
        raise NotStatic(
            f"{PROGRAM} is not statically linked, so it cannot be a pause image: "
            "install Debian's catatonit"
        )
    return ociimage.image_archive(
        (ref,),
        {"pause": ociimage.File(data=program)},
        run=ociimage.Run(entrypoint=("/pause", "-P"), user="65535:65535"),
        arch=arch,
    )


def is_static(program: bytes) -> bool:
    """Whether this is an ELF program that asks for no dynamic loader."""
    if program[:4] != b"\x7fELF" or len(program) < 64:
        return False
    wide, order = program[4] == 2, "<" if program[5] == 1 else ">"
    table = struct.unpack_from(f"{order}Q" if wide else f"{order}I", program, 32 if wide else 28)[
        0
    ]
    size, count = struct.unpack_from(f"{order}HH", program, 54 if wide else 42)
    try:
        kinds = [
            struct.unpack_from(f"{order}I", program, table + index * size)[0]
            for index in range(count)
        ]
    except struct.error:
        return False
    return PT_INTERP not in kinds
