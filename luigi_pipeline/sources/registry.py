"""All sources. A new one is added to the list here; whatever lists sources or modes goes by it."""

from __future__ import annotations

from luigi_pipeline.sources.base import Source
from luigi_pipeline.sources.citibike import CitiBikeTrips
from luigi_pipeline.sources.mode import Mode
from luigi_pipeline.sources.taxi_zones import TaxiZones
from luigi_pipeline.sources.weather import HourlyWeather
from luigi_pipeline.sources.yellow_taxi import YellowTaxiTrips

# The order is that of tables and legends.
_ALL: tuple[Source, ...] = (
    YellowTaxiTrips(),
    CitiBikeTrips(),
    HourlyWeather(),
    TaxiZones(),
)

SOURCES = {source.name: source for source in _ALL}
# The sources that come in months. The taxi zones are a single file.
MONTHLY = tuple(name for name, source in SOURCES.items() if source.is_monthly)
# The sources of trips. Each is a mode of travel, with the same name (trip_type).
MODES: dict[str, Mode] = {name: source.mode for name, source in SOURCES.items() if source.mode}
# The blocks of the configuration, by key.
BLOCKS = {source.key: source.block for source in _ALL}
