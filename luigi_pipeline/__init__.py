"""The NYC mobility pipeline: taxi trips, CitiBike trips and weather, from their publishers to a validated warehouse.

`luigi --module luigi_pipeline Publish` runs it; the tasks are in `luigi_pipeline.tasks`.
"""

import contextlib
import os

from luigi.configuration import add_config_path, get_config
from luigi.interface import core as core_options

from luigi_pipeline.config import project
from luigi_pipeline.console import streams
from luigi_pipeline.core.errors import ConfigError

streams.open_closed()
_folder = None
with contextlib.suppress(ConfigError):  # it is reported when the first task is made
    _folder = project.find()
if _folder and (os.environ.get("MOBILITY_PROJECT_DIR") or not get_config().has_option("resources", "download")):
    # Luigi has read the luigi.cfg of the current folder; the project's luigi.cfg may be in another one.
    add_config_path(str(_folder / "luigi.cfg"))
    if "LUIGI_CONFIG_PATH" in os.environ:
        add_config_path(os.environ["LUIGI_CONFIG_PATH"])
    get_config().set("core", "logging_conf_file", str(_folder / "config" / "logging.cfg"))

# Luigi's RPC client reads these options, but Luigi still warns that nothing reads them.
core_options.ignore_unconsumed |= {"rpc_connect_timeout", "rpc_retry_attempts", "rpc_retry_wait"}

from luigi_pipeline import metrics as metrics  # noqa: E402
from luigi_pipeline.run import building  # noqa: E402
from luigi_pipeline.tasks import (  # noqa: E402  (imported after the configuration that they read)
    Backfill,
    BuildSelected,
    DbtBuild,
    FetchMonth,
    Ingest,
    IngestCitibike,
    IngestWeather,
    IngestYellowTaxi,
    IngestZones,
    LoadMonth,
    Publish,
    Validate,
)
from luigi_pipeline.tasks.redo import force  # noqa: E402

building.extend_workers(force)

__all__ = [
    "Backfill",
    "BuildSelected",
    "DbtBuild",
    "FetchMonth",
    "Ingest",
    "IngestCitibike",
    "IngestWeather",
    "IngestYellowTaxi",
    "IngestZones",
    "LoadMonth",
    "Publish",
    "Validate",
]
