"""What a mode of travel is: how charts draw it, and what its publisher records of a trip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mode:
    """A mode of travel. Its trips have the name of its source as `trip_type`.

    Modes must stay apart for those who see no colours, too: in lightness, and by their dashes and shapes. A colour has
    a contrast of 3:1 on white and on near-black.

    Attributes:
        noun: What its trips are called within a sentence, before "trips".
        staging_model: dbt's model of its trips, one row for each row of the raw table.
        shades: Five shades of its colour, from light to dark. The third is the colour of its lines and bars.
        dash: The dashes of its lines: lengths of stroke and gap, in pixels.
        shape: The shape of its points, by its name in Vega.
        has_fares: Whether its trips have fares, tips and totals.
        has_distances: Whether their distance is measured.
        has_zones: Whether the publisher gives the taxi zones of their ends.
        has_stations: Whether they begin and end at stations.
        has_passengers: Whether their passengers are counted.
    """

    noun: str
    staging_model: str
    shades: tuple[str, str, str, str, str]
    dash: tuple[int, int]
    shape: str
    has_fares: bool = False
    has_distances: bool = False
    has_zones: bool = False
    has_stations: bool = False
    has_passengers: bool = False

    @property
    def for_dbt(self) -> dict[str, Any]:
        """What dbt's models go by."""
        facts = ("has_fares", "has_distances", "has_zones", "has_stations", "has_passengers")
        return {"staging_model": self.staging_model} | {fact: getattr(self, fact) for fact in facts}

    @property
    def colour(self) -> str:
        """The colour of its lines and bars."""
        return self.shades[2]
