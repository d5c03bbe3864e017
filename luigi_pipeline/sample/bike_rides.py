"""CitiBike rides as they happened: times, stations, riders, and the oddities."""

from __future__ import annotations

import binascii
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from luigi_pipeline.core.months import Month
from luigi_pipeline.sample.clock import (
    BoolArray,
    FloatArray,
    IntArray,
    Lots,
    end_utc,
    random_stream,
    repeated_hour_utc,
    start_utc,
    to_new_york,
)
from luigi_pipeline.sample.demand import CITIBIKE, draw_starts
from luigi_pipeline.sample.stations import kilometres_between, stations

# Up to this month, a file holds the rides that began in it. Later files hold the rides that ended in it.
LAST_MONTH_BY_START = Month("2024-05")
STRADDLING, STRADDLING_TWICE = 12, 3
SHORTEST_SECONDS = 61
NO_STATION = -1


@dataclass
class Rides:
    """Columns of rides. Times are UTC in milliseconds. Stations are positions or `NO_STATION`.

    `drift` is how far the bike was from its stations, in degrees: start and end latitude, start and end longitude.
    `lost_id` marks rides whose end has the name of a station but no id. `lost_place` marks those whose end has no
    coordinates either.
    """

    identifier: npt.NDArray[np.bytes_]
    electric: BoolArray
    started: IntArray
    ended: IntArray
    start: IntArray
    end: IntArray
    member: BoolArray
    drift: FloatArray
    lost_id: BoolArray
    lost_place: BoolArray

    def take(self, rows: IntArray | slice) -> Rides:
        """The rides at these positions."""
        return Rides(**{name: column[rows] for name, column in vars(self).items()})


def join(parts: list[Rides]) -> Rides:
    """Put rides one after the other."""
    names = vars(parts[0])
    return Rides(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


def _identifiers(rng: np.random.Generator, count: int) -> npt.NDArray[np.bytes_]:
    """Sixteen hexadecimal digits. One in 500 looks like a number, such as 36212525220441E5."""
    text = binascii.hexlify(rng.bytes(count * 8)).upper()
    letters = np.frombuffer(text, dtype=np.uint8).reshape(count, 16).copy()
    numeric = rng.permutation(count)[: max(1, count // 500)]
    letters[numeric] = rng.integers(ord("0"), ord("9") + 1, (len(numeric), 16))
    letters[numeric, 14] = ord("E")
    return letters.view("S16").reshape(count)


def _make(rng: np.random.Generator, started_seconds: IntArray) -> Rides:
    """Give each start a bike, a rider, two stations and a duration."""
    count = len(started_seconds)
    electric, member = rng.random(count) < 0.66, rng.random(count) < 0.81
    start = rng.choice(len(stations().share), count, p=stations().share)
    ends = rng.choice(len(stations().share), (3, count), p=stations().share)
    nearest = np.argmin(kilometres_between()[start, ends], axis=0)
    end = np.where(rng.random(count) < 0.03, start, ends[nearest, np.arange(count)])

    speed_kmh = np.where(electric, 16.5, 12.5)
    way = kilometres_between()[start, end] * 1.32 / speed_kmh * 3600
    there_and_back = rng.lognormal(np.log(1300), 0.5, count)
    seconds = np.where(start == end, there_and_back, 70 + way * rng.lognormal(0, 0.22, count))
    seconds = np.maximum(np.where(member, 1.0, 1.45) * seconds, SHORTEST_SECONDS)
    started = started_seconds * 1000 + rng.integers(0, 1000, count)
    unknown = np.zeros(count, dtype=np.bool_)
    return Rides(
        identifier=_identifiers(rng, count),
        electric=electric,
        started=started,
        ended=started + (seconds * 1000).astype(np.int64),
        start=start,
        end=end,
        member=member,
        # Electric bikes report their position. Classic bikes have that of their station.
        drift=rng.normal(0, 0.0002, (count, 4)) * electric[:, None],
        lost_id=unknown,
        lost_place=unknown.copy(),
    )


def _add_oddities(rng: np.random.Generator, rides: Rides, month: Month) -> None:
    lots = Lots(rng, len(rides.started))
    changed_at = repeated_hour_utc(month)
    if changed_at is not None:
        # By the wall clock, these end before they start.
        rows = lots.draw(0, 3)
        rides.started[rows] = changed_at * 1000 - rng.integers(20_000, 300_000, len(rows))
        rides.ended[rows] = changed_at * 1000 + rng.integers(60_000, 400_000, len(rows))
    kept = lots.draw(0.0005, 2)  # bikes that were never returned
    rides.ended[kept] = rides.started[kept] + rng.integers(90_000_000, 200_000_000, len(kept))
    rides.end[kept[::2]] = NO_STATION
    rides.end[lots.draw(0.003, 4)] = NO_STATION
    rides.start[lots.draw(0.0004, 1)] = NO_STATION
    rides.lost_id[lots.draw(0.0006, 1)] = True
    gone = np.flatnonzero(rides.end == NO_STATION)
    rides.lost_place[gone[::10]] = True


def _file_by_end(rides: Rides, month: Month) -> None:
    """Shift rides that would end after the month, so that all rides end in it."""
    over = np.maximum(rides.ended - (end_utc(month) * 1000 - 1), 0)
    rides.started -= over
    rides.ended -= over


def _straddling(seed: int, month: Month) -> Rides:
    """The rides that begin in the last minutes before a month and end in it; the same for both files."""
    rng = random_stream(seed, "straddling", month.year, month.number)
    begins = np.sort(start_utc(month) - rng.integers(30, 1500, STRADDLING))
    rides = _make(rng, begins)
    rides.ended = start_utc(month) * 1000 + rng.integers(5_000, 900_000, STRADDLING)
    return rides


def make_rides(seed: int, month: Month, count: int) -> Rides:
    """Generate the rides of a month's file, in the order of the file.

    A few rides over the end of a month are in the files of both months.

    Args:
        seed: The sample's seed.
        month: The month of the file.
        count: The number of rides in the file.

    Returns:
        The rides, not ordered by time, as published.
    """
    rng = random_stream(seed, "citibike", month.year, month.number)
    by_start = month <= LAST_MONTH_BY_START
    before, after = _straddling(seed, month), _straddling(seed, month.next)
    own, other = (after, before) if by_start else (before, after)
    over_the_end = [own, other.take(slice(STRADDLING_TWICE))]
    ordinary = count - STRADDLING - STRADDLING_TWICE
    rides = _make(rng, draw_starts(rng, CITIBIKE, seed, month, ordinary))
    _add_oddities(rng, rides, month)
    if not by_start:
        _file_by_end(rides, month)
    rides = join([rides, *over_the_end])
    return rides.take(rng.permutation(count))


def wall_milliseconds(utc_milliseconds: IntArray) -> IntArray:
    """New York wall time, in milliseconds since 1970 by that clock."""
    seconds, rest = np.divmod(utc_milliseconds, 1000)
    return to_new_york(seconds) * 1000 + rest
