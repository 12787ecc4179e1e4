"""Paths of the file system, as volumes and mounts name them."""

from __future__ import annotations

from staticlet.kube import fieldpath
from staticlet.kube.validate import errors


def no_backsteps(text: str, path: fieldpath.Path) -> errors.Errors:
    """No element of the path may be `..`."""
    if ".." in text.split("/"):
        yield errors.invalid(path, text, "must not contain '..'")


def descending(text: str, path: fieldpath.Path) -> errors.Errors:
    """A relative path that stays below where it starts."""
    if text.startswith("/"):
        yield errors.invalid(path, text, "must be a relative path")
    yield from no_backsteps(text, path)


def not_reserved(text: str, path: fieldpath.Path) -> errors.Errors:
    """A relative path of a file in a volume, where names that begin with `..` are ours."""
    yield from descending(text, path)
    if text.startswith("..") and not text.startswith("../"):
        yield errors.invalid(path, text, "must not start with '..'")
