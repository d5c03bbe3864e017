"""The publishers: the names of their files, how to fetch them, and what the files must hold.

Nothing here knows Luigi or the warehouse. A source defines what it asks for, fetches a month to `landing/`, checks it,
and opens it into parts: flat files, each with its name, the meaning of its columns and its number of rows.
"""

from luigi_pipeline.sources.base import Part, Source
from luigi_pipeline.sources.citibike import CitiBikeTrips
from luigi_pipeline.sources.landed import Landed
from luigi_pipeline.sources.taxi_zones import TaxiZones
from luigi_pipeline.sources.weather import HourlyWeather
from luigi_pipeline.sources.yellow_taxi import YellowTaxiTrips

SOURCES: dict[str, Source] = {
    source.name: source for source in (YellowTaxiTrips(), CitiBikeTrips(), HourlyWeather(), TaxiZones())
}

__all__ = ["SOURCES", "Landed", "Part", "Source"]
