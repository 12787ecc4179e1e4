"""What the file source knows of its directory, as values. `files` says how it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from staticlet.kube import finding
from staticlet.pods.sources import judge, scan
from staticlet.pods.wanted import Manifest, PodKey

ABSENCE_S = 0.2
"""How long a file may be absent without a deletion before its pods go."""
MISSING_S = 0.3
"""How long the whole directory may be missing before its pods go."""
RETRY_S = 1.0
"""How often a file is tried again while it is being written: a writer may come by another name."""
SETTLE_S = 0.5
"""Age of an unwritten file, where the file system cannot tell whether it is still open."""
ABANDONED_S = 5.0
"""The same for a file that was seen being written and never seen being closed."""

SUFFIXES = (".yaml", ".yml", ".json", ".manifest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What does not change while the source lives.

    Attributes:
        path: The directory or file, without a trailing slash.
        judge: Turns bytes into pods.
        all_file_names: Every name but dotfiles is a manifest, as with the kubelet.
        trusted: User ids that may own manifests without a warning.
    """

    path: str
    judge: judge.Judge
    all_file_names: bool = False
    trusted: frozenset[int] = frozenset({0})


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One manifest file.

    Attributes:
        judged: What it stands for.
        signature: Of the content that was judged; None: not read yet.
        digest: Of its bytes, owner and mode: the same need no second judging.
        writing: Somebody has it open for writing.
        absent_since: Since when it is missing without having been deleted.
    """

    judged: judge.Judged
    signature: scan.Signature | None = None
    digest: bytes = b""
    writing: bool = False
    absent_since: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that the file source knows.

    Attributes:
        ready: The place has been seen once.
        files: Every manifest by its name; replaced, never changed.
        single: The path is a single file.
        incarnations: How often each pod was removed; only ever grows.
        ignored: What is in the directory and is no manifest.
        findings: About the place.
        reads: What is to be read now, in order.
        closed: Names whose last event says that they are complete.
        written: Names that were seen being written and not yet seen being closed.
        missing_since: Since when the place is missing.
        deadline: When to look again, on the monotonic clock; None: no need.
    """

    ready: bool = False
    files: Mapping[str, File] = field(default_factory=dict)
    single: bool = False
    incarnations: Mapping[PodKey, int] = field(default_factory=dict)
    ignored: tuple[Manifest, ...] = ()
    findings: tuple[finding.Finding, ...] = ()
    reads: tuple[str, ...] = ()
    closed: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    missing_since: float | None = None
    deadline: float | None = None


def initial(last_good: Mapping[str, Sequence[judge.Good]], *, rules: Rules) -> State:
    """The state at start: the last good pods of each path, of an earlier life of the agent."""
    files: dict[str, File] = {}
    for origin, goods in last_good.items():
        name = origin.rpartition("/")[2]
        if goods and origin in (rules.path, f"{rules.path}/{name}"):
            files[name] = File(judged=judge.judged(origin, findings=(), fresh=(), kept=goods))
    return State(files=files)


def is_manifest(name: str, *, rules: Rules) -> bool:
    """Whether an entry of the directory is a manifest, by its name."""
    if name.startswith("."):
        return False
    return rules.all_file_names or name.endswith(SUFFIXES)


def origin(name: str, *, state: State, rules: Rules) -> str:
    """The path of a manifest, as findings and pods name it."""
    return rules.path if state.single else f"{rules.path}/{name}"


def held(files: Mapping[str, File]) -> dict[PodKey, None]:
    """The keys of all pods that these files stand for."""
    return {good.pod.key: None for file in files.values() for good in file.judged.goods}


def raised(incarnations: Mapping[PodKey, int], left: set[PodKey]) -> Mapping[PodKey, int]:
    """Count that these pods were removed."""
    if not left:
        return incarnations
    return {**incarnations, **{key: incarnations.get(key, 0) + 1 for key in left}}


def sooner(one: float | None, other: float) -> float:
    """The earlier of two deadlines, the first of which may be none."""
    return other if one is None else min(one, other)


def risk(mode: int, owner: int, *, rules: Rules) -> str:
    """Why a file or directory with this mode and owner is dangerous; empty when it is not."""
    if owner not in rules.trusted:
        return f"belongs to user {owner}, who can run anything as root with it: chown it to root"
    if mode & 0o022:
        return f"can be written by others than its owner (mode {mode:04o}): chmod go-w"
    return ""
