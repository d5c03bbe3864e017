"""Finding out what an unknown warehouse holds: one that was copied, restored, or changed by another program."""

from __future__ import annotations

import fcntl
import logging

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sources.landed import version_of
from luigi_pipeline.sources.taxi_zones import TaxiZones
from luigi_pipeline.state import identity, markers

log = logging.getLogger("luigi_pipeline.tasks")


def recognise(data: DataDir, limits: Warehouse) -> None:
    """Open an unknown warehouse once, and drop the markers that do not fit it.

    A warehouse is unknown if its data dir was copied or restored, in whole or in part, if another program wrote to it,
    or if its writer was killed. It records which months it holds, so loads that fit keep their markers. It does not
    record whether its models are up to date, so they are built again. A month with other rows than were loaded is taken
    out, and is loaded again.
    """
    if not data.warehouse.exists():
        return
    data.markers.mkdir(parents=True, exist_ok=True)
    with (data.markers / ".recognise.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tasks that begin together take turns; the first one does it for all
        if identity.warehouse_id(data) is None:
            _drop_unproven(data, limits)


def _drop_unproven(data: DataDir, limits: Warehouse) -> None:
    from luigi_pipeline.warehouse import database, loading

    with database.writing(data, limits) as connection:
        for changed, month in loading.changed_months(connection):
            what = " ".join(filter(None, [changed.name, month]))
            log.warning("%s: the warehouse holds other rows than were loaded; they are taken out", what)
            loading.unload(connection, changed, month)
        loaded = database.loaded_versions(connection)
    for name in ("DbtBuild", "Validate", "Publish"):
        (data.markers / f"{name}.json").unlink(missing_ok=True)
    for path in [*(data.markers / "LoadMonth").rglob("*.json"), data.markers / "LoadZones.json"]:
        marker = markers.read(path)
        if marker is None or marker.source is None:
            continue
        source = marker.parameters.get("source", TaxiZones.name)
        if (source, marker.parameters.get("month"), version_of(marker.source.sha256)) not in loaded:
            path.unlink()
