"""CitiBike's stations: the same in every sample."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from luigi_pipeline.sample.clock import FloatArray

# Manhattan's grid, from 14th Street and 6th Avenue: one block north and one avenue west, in degrees.
_ORIGIN, _BLOCK, _AVENUE = (40.7377, -73.9965), (0.0006, 0.00044), (0.0011, -0.0028)
# fmt: off
_AVENUES = (("1 Ave", -4.6), ("2 Ave", -3.7), ("3 Ave", -2.7), ("Park Ave", -1.7),
            ("Madison Ave", -1.2), ("6 Ave", 0.0), ("8 Ave", 2.0), ("9 Ave", 3.0),
            ("10 Ave", 4.0), ("11 Ave", 5.0))
_STREETS = (16, 22, 28, 34, 40, 46, 52, 58, 66, 72, 78, 84, 90)
_OTHERS = (
    ("5065.10", "Forsyth St & Grand St", 40.717763, -73.993166),
    ("5329.03", "West St & Chambers St", 40.717548, -74.013221),
    ("5216.06", "Barclay St & Church St", 40.712912, -74.010202),
    ("5492.05", "Lafayette St & Jersey St", 40.724561, -73.995653),
    ("5788.13", "Cleveland Pl & Spring St", 40.722104, -73.997249),
    ("5470.12", "E 7 St & Avenue A", 40.726218, -73.983799),
    ("6926.01", "Central Park S & 6 Ave", 40.765909, -73.976342),
    ("4404.10", "Pier 1, Brooklyn Bridge Park", 40.702451, -73.994911),
    ("4488.09", "Dock St, Front St", 40.703172, -73.990636),
    ("5029.02", "Bedford Ave & Nassau Ave", 40.723117, -73.952123),
    ("5185.07", "N 6 St & Bedford Ave", 40.717452, -73.958509),
    ("3984.10", "Grand Army Plaza & Plaza St West", 40.672968, -73.970880),
    ("SYS016", "Morgan WH, Loading Dock", 40.709628, -73.931464),
)
# fmt: on


@dataclass(frozen=True)
class Stations:
    """Columns of stations. `share` is the part of all rides that starts there."""

    identifier: npt.NDArray[np.object_]
    name: npt.NDArray[np.object_]
    latitude: FloatArray
    longitude: FloatArray
    share: FloatArray


def _grid() -> list[tuple[str, str, float, float]]:
    grid = []
    for position, (avenue, west) in enumerate(_AVENUES, start=1):
        for street in _STREETS:
            if 0 <= west <= 1 and street > 60:
                continue  # Central Park
            side = "W" if west >= 0 else "E"
            latitude = _ORIGIN[0] + (street - 14) * _BLOCK[0] + west * _AVENUE[0]
            longitude = _ORIGIN[1] + (street - 14) * _BLOCK[1] + west * _AVENUE[1]
            # Text, not a number: 5940.10 and 5940.1 are different stations.
            identifier = f"{5620 + street * 20}.{position:02d}"
            grid.append((identifier, f"{side} {street} St & {avenue}", latitude, longitude))
    return grid


@lru_cache(maxsize=1)
def stations() -> Stations:
    """All stations."""
    identifiers, names, latitudes, longitudes = zip(*_OTHERS, *_grid(), strict=True)
    share = np.random.default_rng(1).lognormal(0, 0.7, len(names))
    return Stations(
        identifier=np.array(identifiers, dtype=object),
        name=np.array(names, dtype=object),
        latitude=np.round(np.array(latitudes), 6),
        longitude=np.round(np.array(longitudes), 6),
        share=share / share.sum(),
    )


@lru_cache(maxsize=1)
def kilometres_between() -> FloatArray:
    """Kilometres in a straight line between any two stations."""
    place = stations()
    # Kilometres per degree of latitude, and per degree of longitude in New York.
    north = (place.latitude[:, None] - place.latitude[None, :]) * 111.2
    east = (place.longitude[:, None] - place.longitude[None, :]) * 84.3
    return np.asarray(np.hypot(north, east), dtype=np.float64)
