"""What must run, computed from what was done to the files alone; pure.

A lineage is one file with its pods under whatever name it has at the moment; no two lineages share
a pod, so that it does not matter in which order files are seen. Between two looks at the machine
the agent may have seen any of the versions that a file went through, since the newest one wins and
it may have been dead meanwhile. So the model holds the set of all that may be known of a file, and
at rest allows what the file's present content makes of each of them. For a file that was not
touched, or whose content is good, that is one answer only.

The rules are those of docs/adr/0003: each document stands alone; a refused one that names a pod of
the file keeps that pod's last good content; one that cannot be told keeps all that is not said
anew.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TypeAlias


class Shape(enum.Enum):
    """What kind of pod it is; `manifests` writes them."""

    PLAIN = "plain"
    PAIR = "pair"
    NET = "net"
    INIT = "init"
    DISK = "disk"
    SLOW = "slow"
    STUBBORN = "stubborn"
    ONCE = "once"


@dataclass(frozen=True, slots=True, order=True)
class Variant:
    """One content of one pod; the round makes it another one than all before."""

    pod: str
    round: int
    shape: Shape

    def __str__(self) -> str:
        return f"{self.pod} round {self.round} ({self.shape.value})"


Goods: TypeAlias = frozenset[Variant]
"""The pods that a file stands for."""

NOTHING: Goods = frozenset()


@dataclass(frozen=True, slots=True)
class Content:
    """What is written into a file.

    Attributes:
        text: The bytes, as text.
        good: The pods of its good documents.
        refused: For each bad document the pod it names, or None when that cannot be told.
    """

    text: str
    good: tuple[Variant, ...] = ()
    refused: tuple[str | None, ...] = ()


def judge(content: Content, before: Goods) -> Goods:
    """What a file stands for after this content was seen in it."""
    new = {one.pod: one for one in content.good}
    if not content.refused and content.good:
        return frozenset(new.values())
    held = {one.pod for one in before}
    told = all(name in held for name in content.refused) and bool(content.refused)
    kept = {one for one in before if one.pod not in new}
    if told:
        kept = {one for one in kept if one.pod in content.refused}
    return frozenset({*new.values(), *kept})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """One file and all that the agent may know of it.

    Attributes:
        content: What the file holds; None while there is no file.
        possible: What it may have stood for so far.
        moving: Whether an agent that starts now could take it for another file.
    """

    content: Content | None = None
    possible: frozenset[Goods] = frozenset({NOTHING})
    moving: bool = False

    def written(self, content: Content) -> Lineage:
        """The file was written: by any way, from nothing too."""
        made = {judge(content, each) for each in self.possible}
        return replace(self, content=content, possible=self.possible | made)

    def removed(self) -> Lineage:
        """The file was deleted, or got a name that is no manifest's."""
        return replace(self, content=None, possible=self.possible | {NOTHING})

    def moved(self, *, watched: bool) -> Lineage:
        """The file got another name, or was away for a moment.

        Args:
            watched: Whether an agent was surely watching. What it has seen it follows; one that
                was dead, or that dies before it is seen, knows nothing of the new name.
        """
        return replace(self, moving=True) if watched else self.forgotten()

    def forgotten(self) -> Lineage:
        """It may be that nobody knows what it stood for."""
        return replace(self, possible=self.possible | {NOTHING}, moving=False)

    def agent_ended(self) -> Lineage:
        """The agent went down, perhaps before it saw what was done last."""
        return self.forgotten() if self.moving else self

    def seen(self) -> Lineage:
        """The agent has seen all that was done so far."""
        return replace(self, possible=self.allowed(), moving=False)

    def allowed(self) -> frozenset[Goods]:
        """What it may stand for once its present content has been seen."""
        if self.content is None:
            return frozenset({NOTHING})
        return frozenset(judge(self.content, each) for each in self.possible)

    def found(self, goods: Goods) -> Lineage:
        """At rest the machine has told which it is."""
        return replace(self, possible=frozenset({goods}), moving=False)
