"""Pods printed as kubectl prints them: rows whose columns keep their places, objects or names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from staticlet.kube import core, table, yamlout

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How pods are printed.

    Attributes:
        output: Empty for rows; `wide`, `name`, `json` or `yaml`.
        with_namespace: Whether rows tell the namespace.
        headers: Whether rows have headings.
        labels: Whether rows tell the labels.
    """

    output: str = ""
    with_namespace: bool = False
    headers: bool = True
    labels: bool = False

    @property
    def rows(self) -> bool:
        """Whether pods are printed as rows."""
        return self.output in ("", "wide")

    def headings(self) -> tuple[str, ...]:
        """The headings of the columns."""
        first = table.columns(wide=self.output == "wide", with_namespace=self.with_namespace)
        return (*first, "LABELS") if self.labels else first

    def cells(self, item: Item, now: datetime) -> tuple[str, ...]:
        """A pod's row."""
        row = table.pod_row(core.pod(item), now)
        cells = row.cells(wide=self.output == "wide", with_namespace=self.with_namespace)
        return (*cells, _labels(item)) if self.labels else cells

    def told(self, item: Item) -> tuple[str, ...]:
        """What of a row is news when it changes: all but what changes by itself, the ages."""
        cells = self.cells(item, datetime(1970, 1, 1, tzinfo=UTC))
        restarts = sum(
            one.get("restartCount", 0)
            for kind in ("initContainerStatuses", "containerStatuses")
            for one in item.get("status", {}).get(kind) or ()
        )
        return (*cells, str(restarts))


def _labels(item: Item) -> str:
    labels = item["metadata"].get("labels") or {}
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) or "<none>"


class Printer:
    """Prints pods in one form; a later row stands below the earlier ones.

    Args:
        form: How.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._widths = [len(heading) for heading in form.headings()]
        self._begun = False

    def rows(self, items: Sequence[Item]) -> None:
        """Print rows, with headings before the first ones."""
        now = datetime.now(UTC)  # noqa: TID251  the age that a person reads
        cells = [self._form.cells(item, now) for item in items]
        for row in cells:
            self._widths = [max(pair) for pair in zip(self._widths, map(len, row), strict=True)]
        if self._form.headers and not self._begun:
            cells = [self._form.headings(), *cells]
        self._begun = True
        for row in cells:
            padded = (cell.ljust(width) for cell, width in zip(row, self._widths, strict=True))
            click.echo("   ".join(padded).rstrip())

    def each(self, item: Item) -> None:
        """Print one pod for itself."""
        if self._form.rows:
            self.rows([item])
        elif self._form.output == "name":
            click.echo(f"pod/{item['metadata']['name']}")
        elif self._form.output == "json":
            click.echo(json.dumps(item, indent=4))
        else:
            click.echo(("---\n" if self._begun else "") + yamlout.dump(dict(item)), nl=False)
            self._begun = True

    def all(self, items: Sequence[Item], *, single: bool) -> None:
        """Print pods that were asked for at once; a single one as an object and not a list."""
        if self._form.rows:
            self.rows(items)
        elif self._form.output == "name" or (single and items):
            for item in items:
                self.each(item)
        else:
            self.each({"apiVersion": "v1", "kind": "List", "items": [*items], "metadata": {}})
