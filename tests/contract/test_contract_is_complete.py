"""The contract suite has a case for every method of the runtime port, and nothing beside it."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from staticlet.runtime import port

SUITE = Path(__file__).with_name("test_runtime_contract.py")


def methods(protocol: type) -> set[str]:
    """The public methods of a protocol."""
    return {name for name, _ in inspect.getmembers(protocol, inspect.isfunction) if name[0] != "_"}


def called(path: Path, owner: str) -> set[str]:
    """Which methods of `….owner` the test functions of a file call, helpers included."""
    return {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Attribute)
        and node.func.value.attr == owner
    }


@pytest.mark.parametrize(
    ("protocol", "owner"), [(port.Runtime, "runtime"), (port.Images, "images")]
)
def test_every_method_of_the_port_has_a_contract_case(protocol: type, owner: str) -> None:
    missing = methods(protocol) - called(SUITE, owner)
    assert not missing, f"{SUITE.name} has no case for {', '.join(sorted(missing))}: add one"


def test_the_suite_calls_nothing_that_the_port_does_not_have() -> None:
    assert called(SUITE, "runtime") <= methods(port.Runtime)
    assert called(SUITE, "images") <= methods(port.Images)
