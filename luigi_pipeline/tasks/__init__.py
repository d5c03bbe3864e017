"""The task graph: fetch and load each month, sum up each source, then build, validate and publish the models."""

from luigi_pipeline.tasks.backfill import Backfill
from luigi_pipeline.tasks.build import BuildSelected, DbtBuild, ParseModels
from luigi_pipeline.tasks.fetch import FetchMonth, FetchZones
from luigi_pipeline.tasks.ingest import Ingest, IngestCitibike, IngestWeather, IngestYellowTaxi, IngestZones
from luigi_pipeline.tasks.load import LoadMonth, LoadZones
from luigi_pipeline.tasks.publish import Publish
from luigi_pipeline.tasks.validate import Validate

__all__ = [
    "Backfill",
    "BuildSelected",
    "DbtBuild",
    "FetchMonth",
    "FetchZones",
    "Ingest",
    "IngestCitibike",
    "IngestWeather",
    "IngestYellowTaxi",
    "IngestZones",
    "LoadMonth",
    "LoadZones",
    "ParseModels",
    "Publish",
    "Validate",
]
