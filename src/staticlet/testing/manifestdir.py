"""A manifest directory as people and tools write it: in place, by rename, with sed, like vim."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from staticlet.kube import yamlout


def text_of(*pods: Mapping[str, Any]) -> str:
    """The pods as YAML documents."""
    return "---\n".join(yamlout.dump(dict(pod)) for pod in pods)


class ManifestDirectory:
    """The directory; `content` is YAML text or a pod as plain data."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(mode=0o755, parents=True, exist_ok=True)

    def file(self, name: str) -> Path:
        """The path of an entry."""
        return self.path / name

    def put(self, name: str, content: str | Mapping[str, Any]) -> Path:
        """Write beside it and rename over it, as careful programs do."""
        where = self.file(name)
        beside = self.file(f".{name}.new")
        beside.write_text(_text(content))
        return beside.rename(where)

    def save(self, name: str, content: str | Mapping[str, Any]) -> Path:
        """Truncate and rewrite in place, as nano and shells do."""
        where = self.file(name)
        where.write_text(_text(content))
        return where

    def save_like_vim(self, name: str, content: str | Mapping[str, Any]) -> Path:
        """Move the old file to a backup, write a new one, remove the backup."""
        where, backup = self.file(name), self.file(f"{name}~")
        where.rename(backup)
        with where.open("w") as file:
            file.write(_text(content))
            file.flush()
            os.fsync(file.fileno())
        backup.unlink()
        return where

    def sed(self, name: str, script: str) -> None:
        """`sed -i`: writes a temporary file in the directory and renames it over the old one."""
        subprocess.run(["sed", "-i", script, str(self.file(name))], check=True, timeout=10)

    def remove(self, name: str) -> None:
        """Delete an entry, if it is there."""
        self.file(name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete every entry; makes the directory anew if it was removed."""
        self.path.mkdir(mode=0o755, parents=True, exist_ok=True)
        for entry in sorted(self.path.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def _text(content: str | Mapping[str, Any]) -> str:
    return content if isinstance(content, str) else text_of(content)
