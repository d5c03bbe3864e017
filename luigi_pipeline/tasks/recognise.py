"""Finding out what a warehouse holds that others have put there, or written to."""

from __future__ import annotations

from luigi_pipeline import identity, markers
from luigi_pipeline.datadir import DataDir
from luigi_pipeline.settings import Warehouse
from luigi_pipeline.sources.base import version_of


def recognise(data: DataDir, limits: Warehouse) -> None:
    """Open a warehouse that is not known yet, once, and drop the markers of loads that it does not hold.

    That is a data dir that was copied or restored, in whole or in part, or a warehouse that another program wrote to.
    """
    if not data.warehouse.exists() or identity.warehouse_id(data) is not None:
        return
    from luigi_pipeline.warehouse import database

    with database.writing(data, limits) as connection:
        loaded = database.loaded_versions(connection)
    for path in [*(data.markers / "LoadMonth").rglob("*.json"), data.markers / "LoadZones.json"]:
        marker = markers.read(path)
        if marker is None or marker.source is None:
            continue
        source = marker.parameters.get("source", "taxi_zones")
        if (source, marker.parameters.get("month"), version_of(marker.source.sha256)) not in loaded:
            path.unlink()
