"""Reading and typing the next month's file while the rows of this one go into the warehouse.

One load writes at a time, but half of a load is to read and type its file, which needs no warehouse. What is typed
ahead is kept by all that its rows depend on; the load that finds nothing under its key types the file itself.
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

_DONE = "typed.json"  # written last: a folder without it was left by a run that ended


@contextmanager
def typing(folder: Path, key: str, work: Callable[[Path], Prepared]) -> Iterator[None]:
    """Have a file typed by a thread while the body runs, and wait for it at the end.

    Args:
        folder: Where typed files are kept.
        key: Of all that the file's rows depend on.
        work: Types the file into a folder. Whatever it fails of, the load of the file finds too, and says so.
    """
    thread = threading.Thread(target=_type, args=(folder / key, work), daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def take(folder: Path, key: str, scratch: Path) -> Prepared | None:
    """Take a file that was typed ahead, into a scratch folder; None if there is none.

    What fails to be loaded is not found again.
    """
    from luigi_pipeline.warehouse.preparing import Prepared

    if not is_typed(folder, key):
        return None
    taken = (folder / key).rename(scratch / key)
    told = json.loads((taken / _DONE).read_text(encoding="utf-8"))
    return Prepared(**told | {"path": taken / told["path"]})


def is_typed(folder: Path, key: str) -> bool:
    """Whether a file was typed ahead."""
    return (folder / key / _DONE).exists()


def clear(folder: Path, but: Collection[str] = ()) -> None:
    """Remove what was typed ahead, but for some keys'."""
    for left in folder.glob("*"):
        if left.name not in but:
            shutil.rmtree(left, ignore_errors=True)


def _type(folder: Path, work: Callable[[Path], Prepared]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        typed = work(folder)
        told = asdict(replace(typed, path=typed.path.relative_to(folder)))
        (folder / _DONE).write_text(json.dumps(told, default=str), encoding="utf-8")
    except Exception as error:
        log.debug("typing ahead of its load: %s", error, exc_info=True)
        shutil.rmtree(folder, ignore_errors=True)
