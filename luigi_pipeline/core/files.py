"""Files that are replaced in one step, and the check whether a file has changed."""

from __future__ import annotations

import os
from pathlib import Path

# Inode, time and size of a file. `write_atomically` gives a file a new inode.
Version = tuple[int, int, int]


def version_of(path: Path) -> Version | None:
    """Identifies a file's content without reading it; None if there is no file."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: temporary file beside it, fsync, rename, fsync of the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")  # one fixed name, so that the next call overwrites what a kill left
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Write a file, or the names in a folder, to the disk, so that a power failure does not lose them."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
