"""Yellow taxi trips as they happened: places, times, distances, durations, and the oddities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luigi_pipeline.core.months import Month
from luigi_pipeline.sample.clock import (
    HOUR_SECONDS,
    FloatArray,
    IntArray,
    Lots,
    end_utc,
    hour_of_day,
    start_utc,
    to_new_york,
    weekday,
)
from luigi_pipeline.sample.demand import TAXI, draw_starts
from luigi_pipeline.sample.zones import (
    JFK,
    NEWARK,
    dropoff_shares,
    miles_between,
    pickup_shares,
    service_zones,
)

CARD, CASH, NO_CHARGE, DISPUTE, NOT_RECORDED = 1, 2, 3, 4, 0
STANDARD_RATE, JFK_RATE, NEWARK_RATE, NEGOTIATED_RATE, UNKNOWN_RATE = 1, 2, 3, 5, 99
# Miles per hour for a short trip, by hour of the day.
# fmt: off
_STREET_SPEED = np.array([13.5, 14.5, 15.5, 16.5, 17.5, 17, 14, 10.5, 8.8, 8.5, 8.5, 8.3,
                          8.2, 8.2, 8, 7.8, 7.8, 7.8, 8.4, 9.4, 10.2, 11, 11.8, 12.6])
# fmt: on


@dataclass
class TaxiTrips:
    """Columns of a month's trips, without prices. The same position in each column is one trip.

    Times are New York wall time in seconds since 1970. `null_block` marks trips whose vendor sent no passenger count,
    rate code, flag, congestion surcharge or airport fee.
    """

    vendor: IntArray
    pickup: IntArray
    dropoff: IntArray
    passengers: IntArray
    miles: FloatArray
    minutes: FloatArray
    rate_code: IntArray
    stored: IntArray
    pickup_zone: IntArray
    dropoff_zone: IntArray
    payment: IntArray
    voided_paired: IntArray
    voided_alone: IntArray


def _zones(rng: np.random.Generator, count: int) -> tuple[IntArray, IntArray]:
    """Pick-up and drop-off zones. Out of two possible drop-offs, the nearer one is chosen more often."""
    start = rng.choice(len(pickup_shares()), count, p=pickup_shares())
    ends = rng.choice(len(dropoff_shares()), (2, count), p=dropoff_shares())
    nearer = miles_between()[start, ends[0]] <= miles_between()[start, ends[1]]
    end = np.where(nearer | (rng.random(count) < 0.15), ends[0], ends[1])
    return start, end


def _seconds(rng: np.random.Generator, miles: FloatArray, pickup: IntArray) -> IntArray:
    """The duration in seconds. Long trips use faster roads, and weekends have less traffic."""
    weekend = weekday(pickup) >= 5
    speed = _STREET_SPEED[hour_of_day(pickup)] * np.where(weekend, 1.12, 1.0)
    speed = speed * (0.75 + 0.38 * np.log1p(miles)) * rng.lognormal(0, 0.2, len(miles))
    return np.asarray(45 + miles / np.clip(speed, 3, 55) * HOUR_SECONDS, dtype=np.int64)


def _rate_codes(rng: np.random.Generator, start: IntArray, end: IntArray) -> IntArray:
    manhattan = np.zeros(len(pickup_shares()), dtype=np.bool_)
    manhattan[service_zones()["Yellow Zone"]] = True
    flat = ((start == JFK) & manhattan[end]) | ((end == JFK) & manhattan[start])
    rate = np.select([flat, end == NEWARK], [JFK_RATE, NEWARK_RATE], STANDARD_RATE)
    odd = rng.random(len(start))
    rate[odd < 0.004] = NEGOTIATED_RATE
    rate[odd > 0.9985] = UNKNOWN_RATE
    return rate


def make_trips(rng: np.random.Generator, seed: int, month: Month, count: int, twins: int) -> TaxiTrips:
    """Generate a month's taxi trips, with the oddities of TLC's files.

    Args:
        rng: The month's stream.
        seed: The sample's seed, which decides the weather.
        month: The month of the file.
        count: The number of trips.
        twins: The number of trips that a negative twin voids later.

    Returns:
        The trips, in order of pick-up.
    """
    start_utc = draw_starts(rng, TAXI, seed, month, count)
    pickup = to_new_york(start_utc)
    pickup_zone, dropoff_zone = _zones(rng, count)
    vendors = (1, 2, 6, 7) if month.year >= 2025 else (1, 2, 6)
    shares = (0.22, 0.76, 0.005, 0.015) if month.year >= 2025 else (0.24, 0.755, 0.005)
    vendor = rng.choice(vendors, count, p=shares)
    miles = miles_between()[pickup_zone, dropoff_zone] * rng.lognormal(0, 0.13, count)
    seconds = _seconds(rng, miles, pickup)
    # Vendor 1's meters record tenths of a mile.
    miles = np.where(vendor == 1, np.round(miles, 1), np.round(miles, 2))
    lots = Lots(rng, count)
    trips = TaxiTrips(
        vendor=vendor,
        pickup=pickup,
        dropoff=to_new_york(start_utc + seconds),
        passengers=rng.choice(7, count, p=(0.012, 0.76, 0.14, 0.033, 0.023, 0.019, 0.013)),
        miles=miles,
        minutes=seconds / 60,
        rate_code=_rate_codes(rng, pickup_zone, dropoff_zone),
        stored=(rng.random(count) < 0.004).astype(np.int64),
        pickup_zone=pickup_zone,
        dropoff_zone=dropoff_zone,
        payment=rng.choice((CARD, CASH), count, p=(0.84, 0.16)),
        voided_paired=lots.draw(0, twins),
        voided_alone=lots.draw(0.0008, 3),
    )
    _add_payment_kinds(rng, trips, lots)
    _add_impossible_values(rng, trips, lots)
    _add_strays(rng, trips, lots, month)
    return trips


def _add_payment_kinds(rng: np.random.Generator, trips: TaxiTrips, lots: Lots) -> None:
    trips.payment[lots.draw(0.085, 5)] = NOT_RECORDED
    trips.payment[lots.draw(0.006, 2)] = NO_CHARGE
    trips.payment[lots.draw(0.008, 2)] = DISPUTE
    for rows in (trips.voided_paired, trips.voided_alone):
        trips.payment[rows] = rng.choice((NO_CHARGE, DISPUTE), len(rows), p=(0.3, 0.7))


def _add_impossible_values(rng: np.random.Generator, trips: TaxiTrips, lots: Lots) -> None:
    far = lots.draw(0.00004, 2)
    trips.miles[far] = np.round(rng.uniform(20_000, 250_000, len(far)), 2)
    trips.miles[lots.draw(0.012, 3)] = 0.0
    # A meter that was left on until just before the same minute of the next day.
    left_on = lots.draw(0.0012, 2)
    trips.dropoff[left_on] = trips.pickup[left_on] + rng.integers(82_800, 86_390, len(left_on))
    backwards = lots.draw(0.00003, 2)
    trips.dropoff[backwards] = trips.pickup[backwards] - rng.integers(30, 900, len(backwards))


def _add_strays(rng: np.random.Generator, trips: TaxiTrips, lots: Lots, month: Month) -> None:
    """Move some trips out of the file's month: late reports, and clocks that were reset."""
    first, after = (int(to_new_york(np.array([at]))[0]) for at in (start_utc(month), end_utc(month)))
    reset_clock = int(np.datetime64("2008-12-31T23:02:00", "s").astype(np.int64))
    # Spread over two hours, so that some are in 2008 and some in 2009.
    _redate(trips, lots.draw(0.00002, 2), reset_clock, spacing=3000)
    late = lots.draw(0.00006, 3)
    _redate(trips, late, first - int(rng.integers(600, 3600)), spacing=-97)
    _redate(trips, lots.draw(0, 1), after + int(rng.integers(60, 7200)), spacing=1)


def _redate(trips: TaxiTrips, rows: IntArray, start: int, spacing: int) -> None:
    seconds = trips.dropoff[rows] - trips.pickup[rows]
    trips.pickup[rows] = start + spacing * np.arange(1, len(rows) + 1)
    trips.dropoff[rows] = trips.pickup[rows] + seconds
