"""lightkube's models without lightkube's client.

Whoever enters the package by its front door is given an HTTP client as well, which nothing here
uses and which is 6 MB of memory and a twentieth of a second at each start.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PACKAGE = "lightkube"


@contextmanager
def entered() -> Iterator[None]:
    """Let the block import `lightkube.models` and what these import, and nothing else.

    Whoever imports lightkube afterwards gets the whole of it, with these same models.
    """
    found = None if _PACKAGE in sys.modules else importlib.util.find_spec(_PACKAGE)
    if found is None:  # it is there already, or not installed: then the block says so
        yield
        return
    sys.modules[_PACKAGE] = importlib.util.module_from_spec(found)
    try:
        yield
    finally:
        del sys.modules[_PACKAGE]
