"""`staticlet get pods`: the pods of this machine, once or whenever one of them changes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

from staticlet.cli import agentsocket, agentstream, complete, lookup, podrows
from staticlet.kube import fieldselector, selector

Item = Mapping[str, Any]


def _labels(ctx: click.Context, param: click.Parameter, text: str) -> selector.Selector:
    try:
        return selector.parse(text)
    except selector.SelectorError as fault:
        raise click.BadParameter(str(fault), ctx, param) from fault


def _fields(ctx: click.Context, param: click.Parameter, text: str) -> fieldselector.FieldSelector:
    try:
        return fieldselector.parse(text)
    except selector.SelectorError as fault:
        raise click.BadParameter(str(fault), ctx, param) from fault


@click.command("pods")
@click.argument("names", nargs=-1, shell_complete=complete.pods)
@click.option("-A", "--all-namespaces", is_flag=True, help="The pods of every namespace.")
@click.option("-n", "--namespace", default="default", show_default=True)
@click.option(
    "-l",
    "--selector",
    "labels",
    callback=_labels,
    metavar="SELECTOR",
    default="",
    help="Only pods with such labels: app=web,tier in (front,back),!old",
)
@click.option(
    "--field-selector",
    "chosen_fields",
    callback=_fields,
    metavar="SELECTOR",
    default="",
    help="Only pods with such fields: status.phase=Running,metadata.name=web-node1",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["wide", "name", "yaml", "json"]),
    help="More columns, or names or whole objects instead of rows.",
)
@click.option("-w", "--watch", is_flag=True, help="Then print each pod that changes.")
@click.option("--watch-only", is_flag=True, help="Print only pods that change from now on.")
@click.option("--no-headers", is_flag=True, help="Print rows without headings.")
@click.option("--show-labels", is_flag=True, help="Print labels as the last column.")
@agentsocket.agent_options
def command(
    names: tuple[str, ...],
    all_namespaces: bool,
    namespace: str,
    labels: selector.Selector,
    chosen_fields: fieldselector.FieldSelector,
    output: str | None,
    watch: bool,
    watch_only: bool,
    no_headers: bool,
    show_labels: bool,
    agent: agentsocket.Agent,
) -> None:
    """The pods with their status, in kubectl's columns."""
    form = podrows.Form(
        output=output or "",
        with_namespace=all_namespaces,
        headers=not no_headers,
        labels=show_labels,
    )
    where = None if all_namespaces else namespace

    def wanted(item: Item) -> bool:
        near = where is None or item["metadata"]["namespace"] == where
        met = labels.matches(item["metadata"].get("labels")) and chosen_fields.matches(item)
        return near and met and (not names or _is_one_of(item, names))

    printer = podrows.Printer(form)
    if watch or watch_only:
        try:
            _watch(agent, wanted, form, printer, only_changes=watch_only)
        except KeyboardInterrupt:
            sys.exit(130)
        return
    items: list[dict[str, Any]] = agent.ask("/pods")["items"]
    found = _named(items, names, where) if names else items
    found = [item for item in found if wanted(item)]
    if found or not form.rows:
        printer.all(found, single=len(names) == 1)
    else:
        place = "" if all_namespaces else f" in {namespace} namespace"
        click.echo(f"No resources found{place}.", err=True)


def _is_one_of(item: Item, names: Iterable[str]) -> bool:
    own = (item["metadata"]["name"], lookup.short_name(item))
    return any(lookup.plain_name(name) in own for name in names)


def _named(items: Sequence[Item], names: Sequence[str], namespace: str | None) -> list[Item]:
    """The pods of these names; those that are not there are told, and are all if none is."""
    chosen: list[Item] = []
    for name in names:
        try:
            chosen.append(lookup.find_pod(items, name, namespace))
        except lookup.NotFound as missing:
            missing.show()
    if not chosen:
        sys.exit(1)
    return chosen


def _watch(
    agent: agentsocket.Agent,
    wanted: Callable[[Item], bool],
    form: podrows.Form,
    printer: podrows.Printer,
    *,
    only_changes: bool,
) -> None:
    """Print what there is, then each pod whose row changes, until the agent ends."""
    told: dict[str, Any] = {}
    first: list[Item] | None = []
    with agentstream.opened(agent, "/pods?watch=1") as stream:
        for event in stream.events():
            if event["type"] == "BOOKMARK":
                if first and not only_changes:
                    _print_first(first, form, printer)
                first = None
                continue
            item = news(event, told, wanted, form)
            if item is not None and first is not None:
                first.append(item)
            elif item is not None:
                printer.each(item)


def _print_first(items: Sequence[Item], form: podrows.Form, printer: podrows.Printer) -> None:
    if form.rows:
        printer.rows(items)
    else:
        for item in items:
            printer.each(item)


def news(
    event: Mapping[str, Any],
    told: dict[str, Any],
    wanted: Callable[[Item], bool],
    form: podrows.Form,
) -> Item | None:
    """The pod that is to be printed because of a watch event; None if nobody needs to see it.

    Args:
        event: The event.
        told: What was printed last of each pod, by UID and name; kept by this function.
        wanted: Which pods are wanted.
        form: How they are printed: a row is news only when something in it is.
    """
    item: Item = event["object"]
    meta = item["metadata"]
    key = f"{meta['namespace']}/{meta['name']}"
    if event["type"] == "DELETED" or not wanted(item):
        return item if told.pop(key, None) is not None else None
    shown = form.told(item) if form.rows else item
    if told.get(key) == shown:
        return None
    told[key] = shown
    return item
