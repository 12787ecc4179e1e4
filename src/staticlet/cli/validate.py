"""`staticlet validate`: check manifests offline, with the very code that the agent runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from staticlet.kube import manifest, read
from staticlet.kube.document import LIMIT_BYTES
from staticlet.kube.finding import Finding, Position, Severity

_STDIN = "-"


@dataclass(slots=True)
class _File:
    """A checked file; findings about other files that it clashes with are added later."""

    path: str
    reading: read.Reading
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.findings = list(self.reading.findings)

    def count(self, severity: Severity) -> int:
        return sum(each.severity is severity for each in self.findings)


@click.command(name="validate")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--strict-manifests", is_flag=True, help="Unknown fields and duplicate keys are errors."
)
@click.option(
    "--all-file-names",
    is_flag=True,
    help="In a directory read every file but dotfiles, as the kubelet does.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the findings.",
)
def command(
    paths: tuple[str, ...], strict_manifests: bool, all_file_names: bool, output: str
) -> None:
    """Check manifests without running anything.

    Each PATH is a manifest, a directory of manifests or - for standard input. In a directory
    only files ending in .yaml, .yml, .json and .manifest count, and subdirectories do not.

    The exit status is 0 when every pod may run, 1 when there are errors, 2 when the command
    itself is wrong.
    """
    _check_paths(paths)
    files = [
        _check(path, strict=strict_manifests) for path in _expand(paths, all_names=all_file_names)
    ]
    _find_clashes(files)
    errors = sum(each.count(Severity.ERROR) for each in files)
    warnings = sum(each.count(Severity.WARNING) for each in files)
    if output == "json":
        click.echo(json.dumps(_as_json(files, errors, warnings), indent=2, ensure_ascii=False))
    else:
        _print(files)
        click.echo(_summary(files, errors, warnings), err=True)
    if errors:
        raise SystemExit(1)


def _check_paths(paths: tuple[str, ...]) -> None:
    for path in paths:
        if path != _STDIN and not Path(path).exists():
            raise click.UsageError(f"cannot check {path}: there is no such file or directory")


def _expand(paths: tuple[str, ...], *, all_names: bool) -> Iterator[str]:
    """The files to read, each once, in the order given and by name within a directory."""
    seen = set()
    for path in paths:
        for each in _files(path, all_names=all_names):
            if each not in seen:
                seen.add(each)
                yield each


def _files(path: str, *, all_names: bool) -> Iterator[str]:
    place = Path(path)
    if path == _STDIN or not place.is_dir():
        yield path
        return
    try:
        names = sorted(entry.name for entry in place.iterdir())
    except OSError as error:
        raise click.UsageError(f"cannot list {path}: {error.strerror or error}") from error
    for name in names:
        entry = place / name
        if manifest.is_manifest(name, all_names=all_names) and entry.is_file():
            yield str(entry)


def _check(path: str, *, strict: bool) -> _File:
    source = "<stdin>" if path == _STDIN else path
    try:
        data = _bytes(path)
    except OSError as error:
        reason = error.strerror or str(error)
        finding = Finding(
            severity=Severity.ERROR, source=source, message=f"cannot be read: {reason}"
        )
        return _File(source, read.Reading(findings=(finding,), refused=(read.UNKNOWN,)))
    return _File(source, read.read(data, source=source, strict=strict))


def _bytes(path: str) -> bytes:
    """The content, cut off just where it is too large anyway."""
    if path == _STDIN:
        return sys.stdin.buffer.read(LIMIT_BYTES)
    with Path(path).open("rb") as file:
        return file.read(LIMIT_BYTES)


def _find_clashes(files: list[_File]) -> None:
    """Two files that claim one pod: both are told, since either may be the one to change."""
    holders: dict[tuple[str, str], tuple[_File, Position]] = {}
    for file in files:
        for pod in file.reading.pods:
            key = _key(pod.raw)
            first, position = holders.setdefault(key, (file, pod.named_at))
            if first is file:
                continue
            clash = Finding(
                severity=Severity.ERROR,
                source=file.path,
                path="metadata.name",
                position=pod.named_at,
                message=(
                    f"Duplicate value: the pod {'/'.join(key)} stands also in {first.path}:"
                    f"{position.line}; rename or remove one of them"
                ),
            )
            file.findings.append(clash)
            file.findings.sort(key=lambda each: each.position or Position(0, 0))


def _key(raw: dict[str, Any]) -> tuple[str, str]:
    metadata = raw["metadata"]
    return metadata.get("namespace") or "default", metadata["name"]


def _print(files: list[_File]) -> None:
    for file in files:
        for each in file.findings:
            mark = " [warning]" if each.severity is Severity.WARNING else ""
            click.echo(f"{each}{mark}")


def _summary(files: list[_File], errors: int, warnings: int) -> str:
    pods = sum(len(file.reading.pods) for file in files)
    counts = (
        (len(files), "file"),
        (pods, "pod"),
        (errors, "error"),
        (warnings, "warning"),
    )
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)


def _as_json(files: list[_File], errors: int, warnings: int) -> dict[str, Any]:
    return {
        "files": [
            {
                "path": file.path,
                "pods": [
                    dict(zip(("namespace", "name"), _key(pod.raw), strict=True))
                    for pod in file.reading.pods
                ],
                "findings": [_finding_as_json(each) for each in file.findings],
            }
            for file in files
        ],
        "errors": errors,
        "warnings": warnings,
    }


def _finding_as_json(each: Finding) -> dict[str, Any]:
    return {
        "severity": each.severity.value,
        "line": each.position.line if each.position else None,
        "column": each.position.column if each.position else None,
        "field": each.path,
        "message": each.message,
    }
