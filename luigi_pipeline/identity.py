"""Which warehouse a data dir holds, told without opening it.

The warehouse keeps an id in its schema `meta`; a note beside the markers says which file that id was read from. A file
that was deleted, replaced or copied is another file, and is not trusted until it has been opened once and its id read.
"""

from __future__ import annotations

import json

from luigi_pipeline.datadir import DataDir
from luigi_pipeline.markers import write_atomically


def warehouse_id(data: DataDir) -> str | None:
    """The id of the warehouse in a data dir; None where there is none, or where it is not known yet."""
    try:
        note = json.loads((data.markers / "warehouse.json").read_text(encoding="utf-8"))
        known = note["inode"] == data.warehouse.stat().st_ino
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(note["id"]) if known else None


def note_warehouse(data: DataDir, warehouse: str) -> None:
    """Note the id of the warehouse that is in a data dir now."""
    if warehouse_id(data) != warehouse:
        note = {"id": warehouse, "inode": data.warehouse.stat().st_ino}
        write_atomically(data.markers / "warehouse.json", json.dumps(note).encode())
