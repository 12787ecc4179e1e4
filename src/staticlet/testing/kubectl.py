"""Stock kubectl, as a person types it, with a home and a configuration of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_S = 30.0
_HEAD = re.compile(r"\S+(?: \S+)*")
"""A column's heading: columns are two spaces or more apart."""


class Unexpected(AssertionError):
    """Kubectl ended with another status than was expected; the text is all that it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command said.

    Attributes:
        status: Its exit status.
        out: Its standard output.
        err: Its standard error.
    """

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """One kubectl with one configuration.

    Attributes:
        program: Which kubectl.
        kubeconfig: Its configuration.
        home: Its home directory, where it caches what it discovers.
        namespace: The namespace of all commands; empty for the configuration's.
    """

    program: Path
    kubeconfig: Path
    home: Path
    namespace: str = ""

    def __call__(self, *arguments: str, stdin: str = "", **env: str) -> str:
        """What a command prints, which succeeds."""
        return self.run(*arguments, stdin=stdin, status=0, **env).out

    def json(self, *arguments: str) -> Any:
        """What a command prints as JSON."""
        return json.loads(self(*arguments, "-o", "json"))

    def refused(self, *arguments: str, stdin: str = "", status: int = 1) -> str:
        """What a command that fails says on standard error."""
        return self.run(*arguments, stdin=stdin, status=status).err

    def run(self, *arguments: str, stdin: str = "", status: int | None = None, **env: str) -> Said:
        """Run a command to its end.

        Args:
            arguments: The words after `kubectl`.
            stdin: What it reads.
            status: The exit status that it must have; None for any.
            env: More of its environment.

        Raises:
            Unexpected: It ended with another status.
        """
        done = subprocess.run(
            self.command(*arguments),
            check=False,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            cwd=self.home,
            env=self.environment(**env),
        )
        said = Said(status=done.returncode, out=done.stdout, err=done.stderr)
        if status is not None and said.status != status:
            typed = " ".join(("kubectl", *arguments))
            raise Unexpected(f"{typed!r} ended with {said.status}\n{said.out}\n{said.err}")
        return said

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command that goes on; its standard output is a pipe."""
        return subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.home,
            env=self.environment(),
        )

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        where = ["--namespace", self.namespace] if self.namespace else []
        return [str(self.program), *where, *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        """Its environment: of ours only the search path."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig),
            **more,
        }


def programs() -> list[Path]:
    """The kubectls of this machine: that of the virtual environment, and another on the path."""
    own = Path(sysconfig.get_path("scripts", vars={"base": sys.prefix})) / "kubectl"
    outside = os.pathsep.join(
        part for part in os.environ.get("PATH", "").split(os.pathsep) if Path(part) != own.parent
    )
    on_path = shutil.which("kubectl", path=outside)
    found = [own, Path(on_path) if on_path else own]
    return [one for one in dict.fromkeys(found) if one.exists()]


def rows(table: str) -> list[dict[str, str]]:
    """A table that `kubectl get` printed, a mapping a row."""
    head, *lines = table.splitlines()
    heads = [*_HEAD.finditer(head)]
    names, starts = [one.group() for one in heads], [one.start() for one in heads]
    return [
        {
            name: line[begin:end].strip()
            for name, begin, end in zip(names, starts, [*starts[1:], None], strict=True)
        }
        for line in lines
    ]


def section(described: str, heading: str) -> str:
    """What `kubectl describe` printed below a heading, as far as lines are indented."""
    _, _, rest = f"\n{described}".partition(f"\n{heading}:")
    first, *lines = rest.split("\n")
    kept = [first]
    for line in lines:
        if line and not line.startswith(" "):
            break
        kept.append(line)
    return "\n".join(kept)
