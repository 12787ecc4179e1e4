"""A container image from files, made without a registry, a build tool or a shell.

The archive is an OCI image layout and, for `docker load`, also a docker archive: `ctr images
import`, podman and docker all read it. One uncompressed layer. The same input gives the same
bytes: no clock, no owner, sorted entries.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ARCHITECTURES: Mapping[str, str] = {
    "aarch64": "arm64",
    "armv7l": "arm",
    "i686": "386",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
    "x86_64": "amd64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A regular file in an image."""

    data: bytes
    mode: int = 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A symbolic link in an image."""

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A directory in an image; parents of files need not be named."""

    mode: int = 0o755


Entry = File | Link | Directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a container of the image starts, where the pod does not say otherwise."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[str, ...] = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)
    user: str = ""
    working_dir: str = "/"


def architecture(machine: str) -> str:
    """The image architecture for what `uname -m` says; unknown names stay as they are."""
    return ARCHITECTURES.get(machine, machine)


def image_archive(
    refs: Sequence[str], files: Mapping[str, Entry], *, run: Run | None = None, arch: str
) -> bytes:
    """An image archive with one image.

    Args:
        refs: The image's full names, as `localhost/pause:latest`; at least one.
        files: What is in it, by path without a leading slash.
        run: How it starts.
        arch: Its architecture in the words of OCI: `amd64`, `arm64`.
    """
    layer = _layer(files)
    config = _json(_config(run or Run(), arch, layer))
    manifest = _json(_manifest(config, layer))
    index = _json({"schemaVersion": 2, "manifests": [_named(manifest, ref, arch) for ref in refs]})
    docker = [
        {"Config": _blob(config), "RepoTags": list(refs), "Layers": [_blob(layer)]},
    ]
    return _tar(
        {
            "oci-layout": File(data=_json({"imageLayoutVersion": "1.0.0"}), mode=0o644),
            "index.json": File(data=index, mode=0o644),
            "manifest.json": File(data=_json(docker), mode=0o644),
            **{_blob(data): File(data=data, mode=0o644) for data in (config, manifest, layer)},
        }
    )


def _config(run: Run, arch: str, layer: bytes) -> dict[str, Any]:
    process: dict[str, Any] = {"Env": list(run.env), "WorkingDir": run.working_dir}
    if run.entrypoint:
        process["Entrypoint"] = list(run.entrypoint)
    if run.cmd:
        process["Cmd"] = list(run.cmd)
    if run.user:
        process["User"] = run.user
    return {
        "created": "1970-01-01T00:00:00Z",
        "architecture": arch,
        "os": "linux",
        "config": process,
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "staticlet"}],
    }


def _manifest(config: bytes, layer: bytes) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
    }


def _named(manifest: bytes, ref: str, arch: str) -> dict[str, Any]:
    return {
        **_descriptor("application/vnd.oci.image.manifest.v1+json", manifest),
        "platform": {"architecture": arch, "os": "linux"},
        "annotations": {
            "io.containerd.image.name": ref,
            "org.opencontainers.image.ref.name": ref.rpartition(":")[2],
        },
    }


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _blob(data: bytes) -> str:
    return "blobs/" + _digest(data).replace(":", "/")


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _layer(files: Mapping[str, Entry]) -> bytes:
    """The layer, with every directory on the way to a file."""
    parents = {
        "/".join(path.split("/")[:depth]): Directory()
        for path in files
        for depth in range(1, path.count("/") + 1)
    }
    return _tar({**parents, **files})


def _tar(entries: Mapping[str, Entry]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(entries):
            _add(archive, path, entries[path])
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, path: str, entry: Entry) -> None:
    info = tarfile.TarInfo(path)
    match entry:
        case File(data=data, mode=mode):
            info.mode, info.size = mode, len(data)
            archive.addfile(info, io.BytesIO(data))
        case Link(target=target):
            info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
            archive.addfile(info)
        case Directory(mode=mode):
            info.type, info.mode = tarfile.DIRTYPE, mode
            archive.addfile(info)
