"""Images are made from files alone, and the same files make the same image."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
from typing import Any

import pytest

from staticlet.runtime.managed import ociimage, pause

REF = "localhost/tool:latest"
FILES: dict[str, ociimage.Entry] = {
    "usr/bin/tool": ociimage.File(data=b"tool"),
    "bin/alias": ociimage.Link(target="/usr/bin/tool"),
    "tmp": ociimage.Directory(mode=0o1777),
}


def contents(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = ((entry.name, tar.extractfile(entry)) for entry in tar if entry.isfile())
        return {name: file.read() for name, file in files if file}


def blob(files: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    data = files["blobs/" + descriptor["digest"].replace(":", "/")]
    assert len(data) == descriptor["size"]
    assert "sha256:" + hashlib.sha256(data).hexdigest() == descriptor["digest"]
    return data


def make(**changes: Any) -> bytes:
    known: dict[str, Any] = {"refs": (REF,), "files": FILES, "arch": "amd64"}
    known |= changes
    return ociimage.image_archive(known.pop("refs"), known.pop("files"), **known)


def test_the_same_files_make_the_same_bytes_in_any_order() -> None:
    assert make() == make(files=dict(reversed(FILES.items())))


def test_every_digest_leads_to_its_blob() -> None:
    files = contents(make())
    (named,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(blob(files, named))
    config = json.loads(blob(files, manifest["config"]))
    layer = blob(files, manifest["layers"][0])
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(layer).hexdigest()]
    assert named["annotations"]["io.containerd.image.name"] == REF


def test_docker_finds_the_same_image_in_the_archive() -> None:
    files = contents(make())
    (image,) = json.loads(files["manifest.json"])
    assert image["RepoTags"] == [REF]
    assert image["Config"] in files
    assert all(layer in files for layer in image["Layers"])


def test_directories_on_the_way_come_before_what_is_in_them() -> None:
    files = contents(make())
    (named,) = json.loads(files["index.json"])["manifests"]
    layer = blob(files, json.loads(blob(files, named))["layers"][0])
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert tar.getnames() == ["bin", "bin/alias", "tmp", "usr", "usr/bin", "usr/bin/tool"]
        assert tar.getmember("tmp").mode == 0o1777
        assert tar.getmember("bin/alias").linkname == "/usr/bin/tool"


def test_how_a_container_starts_is_in_the_configuration() -> None:
    run = ociimage.Run(entrypoint=("/tool", "-v"), cmd=("go",), user="7", env=("A=b",))
    files = contents(make(run=run))
    (named,) = json.loads(files["index.json"])["manifests"]
    process = json.loads(blob(files, json.loads(blob(files, named))["config"]))["config"]
    assert process["Entrypoint"] == ["/tool", "-v"]
    assert process["Cmd"] == ["go"]
    assert process["User"] == "7"
    assert process["Env"] == ["A=b"]


def test_machine_names_become_image_architectures() -> None:
    assert ociimage.architecture("x86_64") == "amd64"
    assert ociimage.architecture("aarch64") == "arm64"
    assert ociimage.architecture("m68k") == "m68k"


def elf(*segments: int) -> bytes:
    """A 64-bit little-endian ELF file with program headers of these types and nothing else."""
    head = bytearray(64)
    head[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<Q", head, 32, 64)
    struct.pack_into("<HH", head, 54, 56, len(segments))
    return bytes(head) + b"".join(struct.pack("<I52x", kind) for kind in segments)


def test_a_program_without_a_dynamic_loader_makes_a_pause_image() -> None:
    files = contents(pause.archive(elf(1, 1), arch="amd64"))
    (named,) = json.loads(files["index.json"])["manifests"]
    assert named["annotations"]["io.containerd.image.name"] == pause.REF


@pytest.mark.parametrize(
    "program",
    [elf(1, 3), b"#!/bin/sh\n", b"", elf(1)[:66]],
    ids=["dynamic", "script", "empty", "cut"],
)
def test_a_program_that_needs_more_than_itself_makes_none(program: bytes) -> None:
    with pytest.raises(pause.NotStatic, match="catatonit"):
        pause.archive(program, arch="amd64")
