"""`staticlet logs`: what a pod's containers have printed, as `kubectl logs` shows it."""

from __future__ import annotations

import sys
import threading
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import click

from staticlet.cli import agentsocket, agentstream, complete, lookup
from staticlet.kube import duration

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
SECOND_NS = 1_000_000_000

Item = Mapping[str, Any]


def _span(ctx: click.Context, param: click.Parameter, text: str | None) -> int | None:
    """A duration, in nanoseconds."""
    try:
        return None if text is None else duration.parse(text)
    except duration.DurationError as fault:
        raise click.BadParameter(str(fault), ctx, param) from fault


@click.command("logs", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", shell_complete=complete.pods)
@click.argument("named", metavar="[CONTAINER]", required=False, shell_complete=complete.containers)
@click.option("-n", "--namespace", default="default", show_default=True)
@click.option("-c", "--container", shell_complete=complete.containers, help="Which container.")
@click.option("--all-containers", is_flag=True, help="Every container, init containers first.")
@click.option("-f", "--follow", is_flag=True, help="Go on, also when the container restarts.")
@click.option("-p", "--previous", is_flag=True, help="The last life that ended.")
@click.option("--tail", type=int, default=-1, help="Only so many lines of the end.")
@click.option(
    "--since", callback=_span, metavar="DURATION", help="Only what is newer than this: 5s, 2m, 3h."
)
@click.option("--since-time", help="Only what is newer than this time (RFC 3339).")
@click.option("--limit-bytes", type=int, help="At most so many bytes.")
@click.option("--timestamps", is_flag=True, help="Put the time before each line.")
@click.option("--prefix", is_flag=True, help="Put pod and container before each line.")
@agentsocket.agent_options
def command(
    name: str,
    named: str | None,
    namespace: str,
    container: str | None,
    all_containers: bool,
    follow: bool,
    previous: bool,
    tail: int,
    since: int | None,
    since_time: str | None,
    limit_bytes: int | None,
    timestamps: bool,
    prefix: bool,
    agent: agentsocket.Agent,
) -> None:
    """Print what the containers of a pod have printed.

    The log files are read, so this works for containers that have ended, too.
    """
    if all_containers and (container or named):
        raise click.UsageError("--all-containers=true should not be specified with container name")
    pod = lookup.find_pod(agent.ask("/pods")["items"], name, namespace)
    query = {
        "follow": _word(follow),
        "restarts": _word(follow),
        "previous": _word(previous),
        "timestamps": _word(timestamps),
        "tailLines": str(tail) if tail >= 0 else "",
        "sinceSeconds": "" if since is None else str(-(-since // SECOND_NS)),
        "sinceTime": since_time or "",
        "limitBytes": "" if limit_bytes is None else str(limit_bytes),
    }
    if all_containers:
        chosen = all_names(pod)
    else:
        one, told = choose(pod, container or named)
        chosen = [one]
        if told:
            click.echo(told, err=True)
    sources = [Source(agent=agent, pod=pod, container=each, query=query) for each in chosen]
    try:
        good = _print(sources, prefix=prefix, together=follow and len(sources) > 1)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0 if good else 1)


def _word(flag: bool) -> str:
    return "true" if flag else ""


def all_names(pod: Item) -> list[str]:
    """All containers in the order in which they start."""
    spec = pod["spec"]
    every = (*(spec.get("initContainers") or ()), *spec["containers"])
    return [one["name"] for one in every]


def choose(pod: Item, named: str | None) -> tuple[str, str]:
    """The container that is meant, and what to tell about the choice, as kubectl does it."""
    if named:
        return named, ""
    spec, meta = pod["spec"], pod["metadata"]
    regular = [one["name"] for one in spec["containers"]]
    inits = [one["name"] for one in spec.get("initContainers") or ()]
    default = (meta.get("annotations") or {}).get(DEFAULT_CONTAINER)
    told: list[str] = []
    if default in (*regular, *inits):
        return str(default), ""
    if default:
        told.append(f'Default container name "{default}" not found in pod {meta["name"]}')
    if len(regular) + len(inits) > 1:
        listed = ", ".join((*regular, *(f"{name} (init)" for name in inits)))
        told.append(f'Defaulted container "{regular[0]}" out of: {listed}')
    return regular[0], "\n".join(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One container's log, to be asked for."""

    agent: agentsocket.Agent
    pod: Item
    container: str
    query: Mapping[str, str]

    @property
    def prefix(self) -> bytes:
        """What tells its lines from those of others."""
        return f"[pod/{self.pod['metadata']['name']}/{self.container}] ".encode()

    @property
    def request(self) -> str:
        """The path and query that ask for it."""
        meta = self.pod["metadata"]
        parts = (meta["namespace"], meta["name"], self.container)
        path = "/".join(urllib.parse.quote(part, safe="") for part in parts)
        given = {name: value for name, value in self.query.items() if value}
        return f"/containerLogs/{path}?{urllib.parse.urlencode(given)}"


def _print(sources: Sequence[Source], *, prefix: bool, together: bool) -> bool:
    """Print logs, one after the other or line by line as they come; whether all went well."""
    out = sys.stdout.buffer
    lock = threading.Lock()
    failed: list[Source] = []

    def one(source: Source) -> None:
        try:
            _print_one(source, out, lock, source.prefix if prefix else b"")
        except click.ClickException as refused:
            failed.append(source)
            with lock:
                refused.show()

    if not together:
        for source in sources:
            one(source)
        return not failed

    def in_a_thread(source: Source) -> None:
        try:
            one(source)
        except BrokenPipeError:
            failed.append(source)  # who reads has read enough

    threads = [
        threading.Thread(target=in_a_thread, args=(source,), name=source.container, daemon=True)
        for source in sources
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return not failed


def _print_one(source: Source, out: BinaryIO, lock: threading.Lock, prefix: bytes) -> None:
    """Print a log; what is not a whole line yet waits for the rest of it."""
    rest = b""
    with agentstream.opened(source.agent, source.request) as stream:
        for piece in stream.pieces():
            whole, end, rest = (rest + piece).rpartition(b"\n")
            _write(whole + end, out, lock, prefix)
    _write(rest, out, lock, prefix)


def _write(text: bytes, out: BinaryIO, lock: threading.Lock, prefix: bytes) -> None:
    if not text:
        return
    if prefix:
        text = b"".join(prefix + line for line in text.splitlines(keepends=True))
    with lock:
        out.write(text)
        out.flush()
