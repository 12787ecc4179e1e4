"""What only flags can say: the node, its API server, directories, and settings of our own.

The last stay out of the file so that it remains a configuration that a kubelet would take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from staticlet.config import flags, flagtable, node, nodetexts
from staticlet.config.effective import Value
from staticlet.kube.finding import Finding

DEFAULT_ROOT_DIR = "/var/lib/kubelet"


def values(
    given: flags.Given, *, host_name: str, directory: Path
) -> tuple[tuple[Value, ...], tuple[Finding, ...]]:
    """Read them.

    Args:
        given: The flags that were given.
        host_name: The machine's name, for the node's when no flag overrides it.
        directory: What relative paths start at.

    Returns:
        The values that could be read, and what is wrong with the others.
    """
    out: list[Value] = []
    findings: list[Finding] = []
    for field, name, read in _readers(given, host_name, directory):
        flag = flagtable.FLAGS[name]
        otherwise = "host name" if field == "nodeName" else "default"
        origin = flag.source if given.get(name) else otherwise
        try:
            out.append(Value(field=field, value=read(), origin=origin))
        except (node.NodeError, flags.FlagError) as error:
            findings.append(flags.finding(flag, str(error)))
    return tuple(out), tuple(findings)


def _readers(
    given: flags.Given, host_name: str, directory: Path
) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yield each setting's name, its flag and how it is read."""

    def text(name: str) -> str:
        return given[name][-1] if given.get(name) else ""

    def path(name: str, default: str = "") -> str:
        chosen = text(name) or default
        return str(directory / chosen) if chosen else ""

    def switch(name: str) -> bool:
        return bool(given.get(name)) and bool(flags.read(flagtable.FLAGS[name], given[name]))

    yield "nodeName", "hostname-override", lambda: node.name(text("hostname-override"), host_name)

    def labels() -> dict[str, str]:
        found: dict[str, str] = flags.read(
            flagtable.FLAGS["node-labels"], given.get("node-labels", ())
        )
        wrong = nodetexts.label_rule(found)
        if wrong:
            raise flags.FlagError(wrong)
        return found

    def schedulable() -> bool:
        return not given.get("register-schedulable") or switch("register-schedulable")

    yield "kubeconfig", "kubeconfig", lambda: path("kubeconfig")
    yield "nodeLabels", "node-labels", labels
    yield "registerSchedulable", "register-schedulable", schedulable
    yield "nodeIP", "node-ip", lambda: list(node.addresses(text("node-ip")))
    yield "rootDir", "root-dir", lambda: path("root-dir", DEFAULT_ROOT_DIR)
    yield "certDir", "cert-dir", lambda: path("cert-dir")
    yield "socket", "socket", lambda: path("socket")
    yield "allFileNames", "all-file-names", lambda: switch("all-file-names")
    yield "strictManifests", "strict-manifests", lambda: switch("strict-manifests")
