"""What may go wrong in a step, as the fault of that step, with the kubelet's reason for it.

That the runtime is away is nobody's fault and passes through.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from staticlet.pods import discard, faults, tools
from staticlet.runtime import port


@contextmanager
def within(reason: str, *, look: bool = False) -> Iterator[None]:
    """Turn what may go wrong in a step into a StepFault; `reason` is the kubelet's for it."""
    try:
        yield
    except BaseExceptionGroup as group:
        _raise_first(group, reason, look=look)
    except (
        port.RuntimeFault,
        faults.PodFault,
        discard.CleanupFault,
        OSError,
    ) as fault:
        raise _translated(fault, reason, look=look) from fault


def _raise_first(group: BaseExceptionGroup[BaseException], reason: str, *, look: bool) -> None:
    """What several parallel calls raised, as the worst of them alone."""
    for kind in (port.Unavailable, port.RuntimeFault):
        matching = group.subgroup(kind)
        if matching is not None:
            first = matching.exceptions[0]
            raise _translated(first, reason, look=look) from group
    raise group


def _translated(fault: BaseException, reason: str, *, look: bool) -> BaseException:
    match fault:
        case port.Unavailable():
            return fault
        case faults.PodFault():
            return tools.StepFault(fault.reason, fault.message)
        case _:
            return tools.StepFault(reason, str(fault), look=look)
