"""Taxi zones: the lookup file, the popularity of each zone, and the distance between any two."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import numpy as np

from luigi_pipeline.sample.clock import FloatArray, IntArray

NEWARK, JFK, LAGUARDIA, UNKNOWN, OUTSIDE = 1, 132, 138, 264, 265
LAST_ZONE = 265
# Manhattan below 60th Street, where the congestion charge of 2025 applies.
# fmt: off
CHARGED_ZONES = (
    4, 12, 13, 45, 48, 50, 68, 79, 87, 88, 90, 100, 107, 113, 114, 125, 137, 144, 148, 158, 161,
    162, 163, 164, 170, 186, 209, 211, 224, 229, 230, 231, 232, 233, 234, 246, 249, 261,
)
# Relative numbers of pick-ups. A zone of Manhattan that is not listed counts 5.
_BUSIEST = {
    161: 48, 237: 47, 236: 44, 132: 46, 162: 36, 230: 36, 186: 33, 138: 32, 142: 32, 163: 29,
    170: 28, 239: 27, 234: 27, 68: 25, 141: 24, 48: 24, 79: 23, 107: 21, 140: 20, 238: 20, 249: 19,
    263: 19, 164: 18, 43: 16, 229: 16, 90: 15, 100: 14, 231: 12, 113: 12, 114: 11, 246: 11, 50: 10,
    264: 3, 265: 0.1, 103: 0, 104: 0, 105: 0, 199: 0,
}
# fmt: on
# Centres in miles east and north of Midtown, and how far their zones are spread.
_BOROUGHS = {
    "Manhattan": (0.0, 0.0, 0.55, 1.7),
    "Brooklyn": (2.0, -6.0, 1.8, 1.8),
    "Queens": (8.0, -1.0, 2.5, 2.5),
    "Bronx": (3.0, 8.5, 1.6, 1.6),
    "Staten Island": (-7.0, -12.0, 2.5, 2.5),
    "EWR": (-10.0, -3.0, 0.0, 0.0),
    "Unknown": (1.0, 0.0, 1.5, 1.5),
    "N/A": (-2.0, 16.0, 4.0, 4.0),
}
_AIRPORTS = {JFK: (11.5, -8.5), LAGUARDIA: (6.0, 2.2)}


@lru_cache(maxsize=1)
def zone_rows() -> list[tuple[int, str, str, str]]:
    """Read the zones: location id, borough, zone, service zone."""
    text = Path(__file__).with_name("zones.csv").read_text(encoding="utf-8")
    return [(int(row[0]), row[1], row[2], row[3]) for row in csv.reader(text.splitlines())]


def write_zones(path: Path) -> int:
    """Write the lookup as TLC publishes it: quoted header and text, CRLF.

    Args:
        path: The CSV file to write.

    Returns:
        The number of zones written.
    """
    lines = ['"LocationID","Borough","Zone","service_zone"']
    lines += [f'{number},"{a}","{b}","{c}"' for number, a, b, c in zone_rows()]
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return len(zone_rows())


@lru_cache(maxsize=1)
def service_zones() -> dict[str, IntArray]:
    """Location ids by service zone."""
    numbers_by_zone: dict[str, list[int]] = {}
    for number, _, _, service_zone in zone_rows():
        numbers_by_zone.setdefault(service_zone, []).append(number)
    return {name: np.array(numbers, dtype=np.int64) for name, numbers in numbers_by_zone.items()}


@lru_cache(maxsize=1)
def pickup_shares() -> FloatArray:
    """The share of pick-ups by location id. Position 0 is empty."""
    weights = np.zeros(LAST_ZONE + 1)
    weights[service_zones()["Yellow Zone"]] = 5.0
    weights[service_zones()["Boro Zone"]] = 0.3
    weights[[*_BUSIEST]] = [*_BUSIEST.values()]
    weights[NEWARK] = 0.1
    return np.asarray(weights / weights.sum(), dtype=np.float64)


@lru_cache(maxsize=1)
def dropoff_shares() -> FloatArray:
    """The share of drop-offs by location id. More are in the outer boroughs, or outside the city, than pick-ups."""
    weights = pickup_shares().copy()
    weights[service_zones()["Boro Zone"]] *= 4
    weights[[JFK, LAGUARDIA]] *= 0.5
    weights[NEWARK] *= 60
    weights[OUTSIDE] *= 60
    return np.asarray(weights / weights.sum(), dtype=np.float64)


@lru_cache(maxsize=1)
def miles_between() -> FloatArray:
    """Miles by road between any two location ids, as a square. Position 0 is empty."""
    # The map is the same in every sample, whatever its seed.
    scatter = np.random.default_rng(265).standard_normal((LAST_ZONE + 1, 2))
    place = np.zeros((LAST_ZONE + 1, 2))
    for number, borough, _, service_zone in zone_rows():
        east, north, spread_east, spread_north = _BOROUGHS[borough]
        if borough == "Manhattan" and service_zone == "Boro Zone":
            north = 5.0
        place[number] = scatter[number] * (spread_east, spread_north) + (east, north)
    for number, spot in _AIRPORTS.items():
        place[number] = spot
    apart = place[:, None, :] - place[None, :, :]
    return np.asarray(np.hypot(apart[..., 0], apart[..., 1]) * 1.18 + 0.55, dtype=np.float64)
