"""Our own Node as the API server has it, and whether we may write in its name.

It is known from a watch and from the answers to our own requests, whichever is newer. Mirror pods
belong to it by its uid.
"""

from __future__ import annotations

from typing import Any

from staticlet.aio import fanout
from staticlet.node import answers

Object = dict[str, Any]


class OwnNode:
    """The Node, kept by `joined.Node`; everybody else only reads.

    Args:
        name: Its name.

    Attributes:
        name: Its name.
        node: The object as it was seen last; None while there is none. Not to be changed.
        changes: Publishes the name whenever something about it has changed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.node: Object | None = None
        self.changes = fanout.Fanout[str]()
        self._granted = False
        self._watched_uid = ""
        self._settled_uid = ""

    @property
    def uid(self) -> str:
        """Its uid, for what belongs to it.

        Empty while there is no Node, while it is being deleted, and while another agent holds its
        name: nothing is written in its name then.
        """
        return self.known_uid if self._granted and not self.going else ""

    @property
    def known_uid(self) -> str:
        """The uid of the Node that there is, whoever may write; empty while there is none."""
        return str(self.node["metadata"].get("uid") or "") if self.node else ""

    @property
    def going(self) -> bool:
        """Whether it is being deleted."""
        return bool(self.node and self.node["metadata"].get("deletionTimestamp"))

    @property
    def granted(self) -> bool:
        """Whether the name is ours: no other agent holds its Lease."""
        return self._granted

    @property
    def settled(self) -> bool:
        """Whether the Node that there is was made by us, or put right."""
        return bool(self.known_uid) and self.known_uid == self._settled_uid

    def settle(self, node: Object) -> None:
        """Take a Node that we made, or put right."""
        self._settled_uid = str(node["metadata"].get("uid") or "")
        self.take(node)
        self.changes.publish(self.name)

    def grant(self, *, granted: bool) -> None:
        """Say whether the name is ours."""
        if granted != self._granted:
            self._granted = granted
            self.changes.publish(self.name)

    def watched(self, node: Object | None, *, listed: bool = False) -> None:
        """Take what the watch says; None for a Node that is gone.

        What was listed anew counts, however old: the server may have come back with an older
        store, and a watch from there brings whatever is newer.

        A Node that the watch has never shown was made by us a moment ago: that the watch says it
        is gone is about the one before.
        """
        if node is not None:
            if not answers.is_object(node, self.name):
                return
            self._watched_uid = str(node["metadata"].get("uid") or "")
            self.take(node, listed=listed)
        elif self.known_uid == self._watched_uid:
            self.gone()

    def take(self, node: Object, *, listed: bool = False) -> None:
        """Take the Node as a server sent it, unless it is older than what is known."""
        if self.node is None or listed or not _older(node, self.node):
            self.node = node
            self.changes.publish(self.name)

    def gone(self) -> None:
        """There is no Node any more."""
        if self.node is not None:
            self.node = None
            self.changes.publish(self.name)


def _older(one: Object, other: Object) -> bool:
    """Whether one state of an object precedes another: only versions that are numbers tell."""
    first, second = one["metadata"], other["metadata"]
    if first.get("uid") != second.get("uid"):
        return False
    versions = [str(meta.get("resourceVersion") or "") for meta in (first, second)]
    return all(text.isdigit() for text in versions) and int(versions[0]) < int(versions[1])
