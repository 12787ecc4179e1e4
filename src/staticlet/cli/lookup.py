"""Finding the pod that a person means among those that the agent shows.

A static pod's name ends in the node's: people may leave that part out (`web` for `web-node1`),
and may write `pod/web`, as kubectl has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

import click

Item = Mapping[str, Any]

_NOUNS = ("pod/", "pods/", "po/")


class NotFound(click.ClickException):
    """There is no such pod; said in kubectl's words, with the namespaces that have one."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the words as they are: they say that they are an error."""
        click.echo(self.message, file=file, err=file is None)


def find_pod(items: Iterable[Item], name: str, namespace: str | None) -> Item:
    """The one pod of that name.

    Args:
        items: Pods as the agent shows them.
        name: Its name, with or without the node's at the end, or `pod/` and the name.
        namespace: Its namespace; None for whichever has one, the first in order.

    Raises:
        NotFound: There is none; the text names namespaces that have one.
    """
    every = list(items)
    name = plain_name(name)
    near = [one for one in every if namespace is None or _namespace(one) == namespace]
    found = _named(near, name)
    if found is not None:
        return found
    elsewhere = sorted({_namespace(one) for one in every if _named([one], name) is not None})
    hint = f" in namespace {namespace}; there is one with -n {elsewhere[0]}" if elsewhere else ""
    raise NotFound(f'Error from agent (NotFound): pods "{name}" not found{hint}')


def plain_name(name: str) -> str:
    """A name without the noun that people may put before it."""
    for noun in _NOUNS:
        if name.startswith(noun):
            return name.removeprefix(noun)
    return name


def _named(items: Sequence[Item], name: str) -> Item | None:
    """The pod of that very name, else the one whose name without the node's is it."""
    exact = (one for one in items if one["metadata"]["name"] == name)
    short = (one for one in items if short_name(one) == name)
    return next(exact, None) or next(short, None)


def short_name(item: Item) -> str:
    """A pod's name without the node's at its end: what its manifest calls it."""
    node = str(item.get("spec", {}).get("nodeName") or "").lower()
    name = str(item["metadata"]["name"])
    return name.removesuffix(f"-{node}") if node else name


def _namespace(item: Item) -> str:
    return str(item["metadata"].get("namespace") or "default")
