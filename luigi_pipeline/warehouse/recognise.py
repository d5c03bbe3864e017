"""Finding out what a warehouse holds that others have put there, or written to."""

from __future__ import annotations

import fcntl
import logging

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sources.landed import version_of
from luigi_pipeline.state import identity, markers

log = logging.getLogger("luigi_pipeline.tasks")


def recognise(data: DataDir, limits: Warehouse) -> None:
    """Open a warehouse that is not known yet, once, and drop the markers that it may not bear out.

    That is a data dir that was copied or restored, in whole or in part, a warehouse that another program wrote to, or
    one whose writer was killed. It says itself which months it holds, but not whether its models are the ones built.
    A month of which it holds other rows than were loaded is taken out, to be loaded again.
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
        source = marker.parameters.get("source", "taxi_zones")
        if (source, marker.parameters.get("month"), version_of(marker.source.sha256)) not in loaded:
            path.unlink()
