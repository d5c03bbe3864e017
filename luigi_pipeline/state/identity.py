"""Which warehouse a data dir holds, without opening it.

The warehouse keeps an id in its schema `meta`. A note beside the markers records that id, and the size and age of the
file when it was last closed. If the file was deleted, replaced, copied or changed by another program, or if its
writer was killed, the note is not trusted until the warehouse has been opened once.
"""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.files import Version, version_of, write_atomically


def warehouse_id(data: DataDir) -> str | None:
    """The id of the warehouse in a data dir; None if there is none, or if it is not known yet."""
    path = data.markers / "warehouse.json"
    try:
        note = _note(path, version_of(path))
        stat = data.warehouse.stat()
        same = note["inode"] == stat.st_ino
        closed = note["closed"]
        # Another program's changes may still be in the write-ahead log beside the file.
        unchanged = closed == [stat.st_size, stat.st_mtime_ns] and not data.write_ahead_log.exists()
        known = same and (unchanged or (closed is None and _is_alive(note["writer"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(note["id"]) if known else None


@functools.lru_cache(maxsize=4)
def _note(path: Path, _version: Version | None) -> dict[str, Any]:
    note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return note


def why_unknown(data: DataDir) -> str:
    """Why a marker does not count: it is of another warehouse, or of this one before it changed."""
    if not data.warehouse.exists():
        return "the warehouse is gone"
    if warehouse_id(data) is None and (data.markers / "warehouse.json").exists():
        return "the warehouse has changed since the last run"
    return "was done in another warehouse"


def note_warehouse(data: DataDir, warehouse: str, *, is_open: bool) -> None:
    """Record the id of the warehouse that is in a data dir now.

    Args:
        data: The data dir.
        warehouse: The id.
        is_open: Whether this process is still writing to it. Its final size and age are not known then.
    """
    stat = data.warehouse.stat()
    note: dict[str, Any] = {"id": warehouse, "inode": stat.st_ino}
    note["closed"] = None if is_open else [stat.st_size, stat.st_mtime_ns]
    note["writer"] = [os.getpid(), started(os.getpid())] if is_open else None
    write_atomically(data.markers / "warehouse.json", json.dumps(note).encode())


def _is_alive(writer: list[Any]) -> bool:
    pid, begun = writer
    return bool(started(pid) == begun)


def started(pid: int) -> float | None:
    """When a process began, which together with its PID identifies it; None if there is no such process.

    A killed process stays in the process table until its parent asks for its exit status. It counts as ended.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None
