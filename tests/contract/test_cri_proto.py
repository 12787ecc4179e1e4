"""Our part of the CRI agrees with the complete interface, and its code with the .proto."""

from __future__ import annotations

import importlib.util
import pathlib
import subprocess
import sys

import pytest

from staticlet.wire import cri_grpc, cri_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
WIRE = ROOT / "src" / "staticlet" / "wire"

# Prints every name of a file of descriptors with what must agree on the wire. It runs in a process
# of its own for each of the two: both are of the package runtime.v1 and would clash in one.
FACTS = r"""
import importlib, sys
from google.protobuf import descriptor

module = importlib.import_module(sys.argv[1])

def message(each):
    print("message", each.full_name)
    for f in each.fields:
        kind = f.message_type or f.enum_type
        name = kind.full_name if kind else f.type
        print("field", each.full_name, f.name, f.number, f.is_repeated, f.type, name)
    for nested in each.nested_types:
        message(nested)
    for kind in each.enum_types:
        enum(kind)

def enum(each):
    for value in each.values:
        print("value", each.full_name, value.name, value.number)

file = module.DESCRIPTOR
for each in file.message_types_by_name.values():
    message(each)
for each in file.enum_types_by_name.values():
    enum(each)
for service in file.services_by_name.values():
    for m in service.methods:
        streams = m.client_streaming, m.server_streaming
        print("method", m.full_name, m.input_type.full_name, m.output_type.full_name, *streams)
"""


def facts(module: str, *paths: str) -> set[str]:
    setup = "import sys\n" + "".join(f"sys.path.insert(0, {path!r})\n" for path in paths)
    run = subprocess.run(
        [sys.executable, "-c", setup + FACTS, module],
        check=True,
        capture_output=True,
        text=True,
        timeout=50,
    )
    return set(run.stdout.splitlines())


@pytest.fixture(scope="module")
def ours() -> set[str]:
    return facts("staticlet.wire.cri_pb2")


@pytest.fixture(scope="module")
def complete() -> set[str]:
    found = importlib.util.find_spec("cri_api")
    assert found is not None
    assert found.submodule_search_locations is not None
    inside = found.submodule_search_locations[0]  # its generated code imports from there
    return facts("cri_api.v1.api_pb2", inside)


def test_every_name_of_ours_is_in_the_interface_with_number_and_type(
    ours: set[str], complete: set[str]
) -> None:
    assert sorted(ours - complete) == []
    assert len(ours) > 300


def test_an_interface_with_another_number_would_be_noticed(ours: set[str]) -> None:
    # The comparison must see numbers at all: 18 is where the user's image name is.
    (line,) = [each for each in ours if "ImageSpec user_specified_image" in each]
    assert " 18 " in line


def test_the_services_have_the_names_that_runtimes_serve() -> None:
    services = cri_pb2.DESCRIPTOR.services_by_name.values()
    assert {each.full_name for each in services} == {
        "runtime.v1.RuntimeService",
        "runtime.v1.ImageService",
    }
    assert cri_grpc.RuntimeServiceStub.__name__ == "RuntimeServiceStub"


@pytest.mark.parametrize("name", ["cri_pb2.py", "cri_pb2.pyi", "cri_grpc.py"])
def test_the_committed_code_is_what_the_proto_gives(name: str, generated: pathlib.Path) -> None:
    assert (generated / name).read_text() == (WIRE / name).read_text(), "run scripts/generate-cri"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    out = tmp_path_factory.mktemp("generated")
    subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "generate-cri"), str(out)], check=True, timeout=50
    )
    return out
