"""The manifest path and what is in it. Pure.

Whoever can write a manifest can run anything as root.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from staticlet.app.doctor import verdict
from staticlet.app.doctor.facts import Inotify, Manifests
from staticlet.app.doctor.placefacts import Access, Kind
from staticlet.app.doctor.verdict import Check, Verdict
from staticlet.config.settings import Settings
from staticlet.kube.finding import Severity

STICKY = 0o1000
OTHERS_WRITE = 0o022
REMOTE = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|ceph|afs|glusterfs|lustre|virtiofs|vboxsf|fuse(\..*)?|ocfs2|gfs2"
)
"""File systems that others may write to without this kernel's inotify telling."""


def manifest_path(settings: Settings, manifests: Manifests) -> Verdict:
    """Where manifests are read."""
    place = manifests.place
    if place.fault:
        return verdict.fail(f"{place.path}: {place.fault}", "let root read it")
    if place.kind is Kind.MISSING:
        return verdict.fail(
            f"{place.path} does not exist",
            f"mkdir -p -m 755 {place.path}, or set staticPodPath to where the manifests are",
        )
    if place.kind not in (Kind.DIRECTORY, Kind.FILE):
        return verdict.fail(
            f"{place.path} is {place.kind.value}", "set staticPodPath to a directory"
        )
    also = f", and {settings.static_pod_url}" if settings.static_pod_url else ""
    return verdict.good(f"{place.path} is {place.kind.value}{also}")


def manifest_permissions(manifests: Manifests) -> Verdict:
    """Only root may write there, nor change what the path leads through."""
    own = (manifests.place.access,) if manifests.place.access else ()
    found = (*_exposed((*own, *manifests.files)), *_exposed_parents(manifests.parents))
    if found:
        return verdict.fail(
            "who can write a manifest can run anything as root, and others than root can",
            "chown root and chmod go-w what is named",
            *found,
        )
    if not own:
        return verdict.skipped("there is nothing to look at")
    return verdict.good("only root can write there")


def _exposed(places: Iterable[Access]) -> Iterator[str]:
    for place in places:
        if place.owner:
            yield f"{place.path} belongs to user {place.owner}: chown root {place.path}"
        elif place.mode & OTHERS_WRITE:
            yield (
                f"{place.path} can be written by others than its owner (mode "
                f"{place.mode & 0o7777:04o}): chmod go-w {place.path}"
            )


def _exposed_parents(parents: Iterable[Access]) -> Iterator[str]:
    """In a sticky directory (/tmp) others can add names, but not take away root's."""
    yield from _exposed(place for place in parents if place.owner or not place.mode & STICKY)


def manifest_filesystem(settings: Settings, manifests: Manifests) -> Verdict:
    """Whether the kernel tells of changes."""
    place = manifests.place
    if place.kind is Kind.MISSING:
        return verdict.skipped("there is nothing to look at")
    if REMOTE.fullmatch(place.fstype):
        return verdict.warn(
            f"{place.fstype}: what other machines change is seen by looking only, every "
            f"{settings.file_check_frequency_s:g} s",
            "put manifests on a local disk, or set fileCheckFrequency lower",
        )
    return verdict.good(f"{place.fstype or 'local'}: changes are seen at once")


def manifest_watches(manifests: Manifests, inotify: Inotify) -> Verdict:
    """How many files there are, for the limits of inotify and the patience of people."""
    number = len(manifests.files) + manifests.unread
    named = f"{verdict.count(number, 'manifest')}, {len(manifests.ignored)} ignored"
    if inotify.watches and number > inotify.watches:
        return verdict.warn(
            f"{named}, more than inotify's {inotify.watches} watches",
            f"sysctl -w fs.inotify.max_user_watches={2 * number}",
        )
    ignored = tuple(f"{name} is ignored, by its name or kind" for name in manifests.ignored)
    return verdict.good(named, *ignored)


def manifest_findings(manifests: Manifests) -> Verdict:
    """What `staticlet validate` says."""
    errors = [one for one in manifests.findings if one.severity is Severity.ERROR]
    warnings = [one for one in manifests.findings if one.severity is Severity.WARNING]
    told = ", ".join(
        (
            verdict.count(len(manifests.pods), "pod"),
            verdict.count(len(errors), "error"),
            verdict.count(len(warnings), "warning"),
        )
    )
    if manifests.unread:
        told += f"; {manifests.unread} files were left out for want of time"
    remedy = f"mend what is named; `staticlet validate {manifests.place.path}` says it too"
    details = (*map(str, errors), *(f"{one} [warning]" for one in warnings))
    if errors:
        return verdict.fail(told, remedy, *details)
    if warnings:
        return verdict.warn(told, remedy, *details)
    return verdict.good(told)


CHECKS = (
    Check("manifest-path", "it exists and is a directory or file", manifest_path),
    Check(
        "manifest-permissions",
        "the directory, its files and every directory above belong to root, and only root writes",
        manifest_permissions,
    ),
    Check("manifest-filesystem", "a local one, where inotify works", manifest_filesystem),
    Check("manifest-count", "how many files there are, and which are ignored", manifest_watches),
    Check("manifest-findings", "what `staticlet validate` says", manifest_findings),
)
