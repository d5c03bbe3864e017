"""Reading and typing the next month's file while the rows of this month go into the warehouse.

Only one load writes at a time. But half of its time goes into reading and typing its file, which needs no warehouse.
A file that was typed ahead is kept under a key made from everything that its rows depend on. If a load finds no file
under its key, it types the file itself.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from luigi_pipeline.warehouse.preparing import Prepared

log = logging.getLogger("luigi_pipeline.tasks")

_DONE = "typed.json"  # written last: a folder without it was left by a run that was killed


@contextmanager
def typing(folder: Path, key: str, work: Callable[[Path], Prepared]) -> Iterator[None]:
    """Type a file in a thread while the body runs, and wait for the thread at the end.

    Args:
        folder: Where typed files are kept.
        key: Identifies everything that the file's rows depend on.
        work: Types the file into a folder. Its errors are ignored: the load of the file meets and reports them too.
    """
    thread = threading.Thread(target=_type, args=(folder / key, work), daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def take(folder: Path, key: str, scratch: Path) -> Prepared | None:
    """Move a file that was typed ahead into a scratch folder.

    If its load then fails, the file is typed again.

    Returns:
        The typed file; None if there is none.
    """
    from luigi_pipeline.warehouse.preparing import Prepared

    if not is_typed(folder, key):
        return None
    taken = (folder / key).rename(scratch / key)
    content = json.loads((taken / _DONE).read_text(encoding="utf-8"))
    return Prepared(**content | {"path": taken / content["path"]})


def is_typed(folder: Path, key: str) -> bool:
    """Whether the file of a key was typed ahead."""
    return (folder / key / _DONE).exists()


def clear(folder: Path, but: Collection[str] = ()) -> None:
    """Remove all files that were typed ahead, except those of some keys."""
    for left in folder.glob("*"):
        if left.name not in but:
            shutil.rmtree(left, ignore_errors=True)


def _type(folder: Path, work: Callable[[Path], Prepared]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        typed = work(folder)
        content = asdict(replace(typed, path=typed.path.relative_to(folder)))
        (folder / _DONE).write_text(json.dumps(content, default=str), encoding="utf-8")
    except Exception as error:
        log.debug("typing ahead of its load: %s", error, exc_info=True)
        shutil.rmtree(folder, ignore_errors=True)
