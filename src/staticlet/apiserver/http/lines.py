"""Watch events as lines of JSON. Pure.

A line of a stored object is its stored bytes with a head and a tail, so that a hundred watchers
cost no encoding. What must be made anew (rows, other versions) is made once for all watchers that
want the same: the newest lines are kept.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from staticlet.apiserver.http import forms, render, tables
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.verbs import answers

KEPT = 256


class Lines:
    """Makes the lines of all watches.

    Args:
        kept: How many of those that were made anew are kept.
    """

    def __init__(self, *, kept: int = KEPT) -> None:
        self._kept = kept
        self._made: OrderedDict[tuple[object, ...], bytes] = OrderedDict()

    def line(
        self,
        kind: Kind,
        event: answers.Event,
        form: forms.Form,
        now: datetime,
        *,
        first: bool = False,
    ) -> bytes:
        """One event as a line.

        Args:
            kind: The kind that is watched.
            event: The event.
            form: What the watcher wants.
            now: The time that ages in rows are told from.
            first: Whether it is the watch's first: only that one defines a table's columns.
        """
        if event.record is None:
            return _wrapped(event.type, self._unstored(kind, event, form, now))
        if form.plain and kind.from_stored is None:
            return _wrapped(event.type, event.record.encoded)
        # Ages in a row are told in seconds: watchers within one second share it.
        second = int(now.timestamp()) if form.shape is forms.Shape.TABLE else 0
        record = event.record
        what = (kind.api_version, kind.plural, record.key, record.revision, event.type)
        key = (what, form, first, second)
        made = self._made.get(key)
        if made is None:
            encoded = render.object_bytes(kind, event.record)
            made = _wrapped(event.type, _shaped(kind, encoded, form, now, first=first))
            self._made[key] = made
            if len(self._made) > self._kept:
                self._made.popitem(last=False)
        return made

    def _unstored(
        self, kind: Kind, event: answers.Event, form: forms.Form, now: datetime
    ) -> bytes:
        """A bookmark in the watch's form, or the Status of an error as it is."""
        encoded = render.encode(event.object)
        if event.type == "ERROR" or form.shape is forms.Shape.FULL:
            return encoded
        if form.shape is forms.Shape.METADATA:
            return tables.partial(encoded)
        rows = tables.Rows(kind=kind, include=form.include, now=now)
        meta = {"resourceVersion": tables.resource_version(encoded)}
        return rows.head(meta, headed=False) + rows.blank(encoded) + b"]}"


def _shaped(kind: Kind, encoded: bytes, form: forms.Form, now: datetime, *, first: bool) -> bytes:
    if form.shape is forms.Shape.TABLE:
        rows = tables.Rows(kind=kind, include=form.include, now=now)
        meta = {"resourceVersion": tables.resource_version(encoded)}
        return rows.head(meta, headed=first) + rows.row(encoded) + b"]}"
    if form.shape is forms.Shape.METADATA:
        return tables.partial(encoded)
    return encoded


def _wrapped(kind: str, encoded: bytes) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (kind.encode(), encoded)
