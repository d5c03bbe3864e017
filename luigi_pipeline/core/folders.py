"""Folders that are replaced as a whole: built beside the old one, then exchanged with it in one step."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from luigi_pipeline.core.files import sync

_HERE, _EXCHANGE = -100, 2


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new, empty folder that replaces another one when the block succeeds.

    A reader of the target finds the complete old folder or the complete new one. If the block fails, the old one stays.
    What a kill leaves behind is removed by the next call.
    """
    new = target.with_name(f".{target.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
        _sync(new)
        _take_place(new, target)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _take_place(new: Path, target: Path) -> None:
    if target.exists():
        _exchange(new, target)
    else:
        new.rename(target)
    sync(target.parent)


def _exchange(new: Path, target: Path) -> None:
    """Exchange the names of two folders. This takes two steps on a system that can't do it in one."""
    if sys.platform.startswith("linux"):
        library = ctypes.CDLL(None, use_errno=True)
        if hasattr(library, "renameat2") and not library.renameat2(
            _HERE, os.fsencode(new), _HERE, os.fsencode(target), _EXCHANGE
        ):
            return
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    target.rename(old)
    new.rename(target)
    old.rename(new)


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)
