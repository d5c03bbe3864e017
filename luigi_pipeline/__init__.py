"""The NYC mobility pipeline: taxi trips, CitiBike trips and weather, from their publishers to a validated warehouse.

`luigi --module luigi_pipeline Publish` runs it; the tasks are in `luigi_pipeline.tasks`.
"""

import os

from luigi.configuration import add_config_path, get_config
from luigi.interface import core

from luigi_pipeline import project

_folder = project.find()
if _folder is not None and os.environ.get("MOBILITY_PROJECT_DIR"):
    # Luigi reads the luigi.cfg of the folder it is run in; the project's may be elsewhere.
    add_config_path(str(_folder / "luigi.cfg"))
    if "LUIGI_CONFIG_PATH" in os.environ:
        add_config_path(os.environ["LUIGI_CONFIG_PATH"])
    get_config().set("core", "logging_conf_file", str(_folder / "config" / "logging.cfg"))

# Luigi reads these in its RPC client, and warns that nothing reads them.
core.ignore_unconsumed |= {"rpc_connect_timeout", "rpc_retry_attempts", "rpc_retry_wait"}

from luigi_pipeline import metrics as metrics  # noqa: E402
from luigi_pipeline.tasks import (  # noqa: E402  (after the configuration that they read)
    Backfill,
    DbtBuild,
    FetchMonth,
    Ingest,
    IngestCitibike,
    IngestWeather,
    IngestYellowTaxi,
    LoadMonth,
    Publish,
    Validate,
)

__all__ = [
    "Backfill",
    "DbtBuild",
    "FetchMonth",
    "Ingest",
    "IngestCitibike",
    "IngestWeather",
    "IngestYellowTaxi",
    "LoadMonth",
    "Publish",
    "Validate",
]
