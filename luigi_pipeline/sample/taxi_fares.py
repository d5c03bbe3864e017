"""The price of a yellow taxi trip, part by part, in whole cents."""

from __future__ import annotations

import numpy as np

from luigi_pipeline.core.months import Month
from luigi_pipeline.sample.clock import (
    BoolArray,
    FloatArray,
    IntArray,
    hour_of_day,
    weekday,
)
from luigi_pipeline.sample.taxi_trips import (
    CARD,
    JFK_RATE,
    NEGOTIATED_RATE,
    NEWARK_RATE,
    NOT_RECORDED,
    TaxiTrips,
)
from luigi_pipeline.sample.zones import (
    CHARGED_ZONES,
    JFK,
    LAGUARDIA,
    LAST_ZONE,
    NEWARK,
    miles_between,
    service_zones,
)

# TLC's rates since December 2022, in cents.
FIRST_DROP, UNIT, JFK_FLAT, NEWARK_EXTRA = 300, 70, 7000, 2000
MTA_TAX, IMPROVEMENT, CONGESTION, AIRPORT, CBD_CHARGE = 50, 100, 250, 175, 75
TOLL = 694
PARTS = ("fare", "extra", "mta_tax", "tip", "tolls", "improvement", "congestion", "airport", "cbd")
CBD_SINCE = Month("2025-01")


def _touches(trips: TaxiTrips, zones: IntArray | tuple[int, ...]) -> BoolArray:
    member = np.zeros(LAST_ZONE + 1, dtype=np.bool_)
    member[list(zones)] = True
    return member[trips.pickup_zone] | member[trips.dropoff_zone]


def _metered(trips: TaxiTrips, miles: FloatArray) -> IntArray:
    """The meter counts a unit per fifth of a mile when driving, and per minute when crawling."""
    units = np.round(miles * 5 * 0.62 + trips.minutes * 0.52)
    fare = FIRST_DROP + UNIT * units.astype(np.int64)
    negotiated = np.round(miles * 4 + 10).astype(np.int64) * 100
    return np.select(
        [
            trips.rate_code == JFK_RATE,
            trips.rate_code == NEWARK_RATE,
            trips.rate_code == NEGOTIATED_RATE,
        ],
        [np.full_like(fare, JFK_FLAT), fare + NEWARK_EXTRA, negotiated],
        fare,
    )


def _extra(trips: TaxiTrips) -> IntArray:
    """Surcharges for rush hour, night and LaGuardia."""
    hour = hour_of_day(trips.pickup)
    rush = (weekday(trips.pickup) < 5) & (hour >= 16) & (hour < 20)
    night = (hour >= 20) | (hour < 6)
    rush_cents = np.where(trips.rate_code == JFK_RATE, 500, 250)
    at_laguardia = 500 * (trips.pickup_zone == LAGUARDIA)
    return np.asarray(np.select([rush, night], [rush_cents, 100], 0) + at_laguardia)


def _tolls(rng: np.random.Generator, trips: TaxiTrips, miles: FloatArray) -> IntArray:
    to_airport = _touches(trips, (JFK, LAGUARDIA))
    chance = np.select([to_airport, miles > 7], [0.42, 0.2], 0.0)
    tolls = TOLL * (rng.random(len(chance)) < chance)
    # The way to Newark crosses two toll bridges.
    return np.where(trips.dropoff_zone == NEWARK, TOLL * 3, tolls)


def _tips(rng: np.random.Generator, trips: TaxiTrips, before_tip: IntArray) -> IntArray:
    """Tips are recorded for cards only. Most are one of the three that the screen offers."""
    rates = rng.choice((0.2, 0.25, 0.3, 0.0), len(before_tip), p=(0.58, 0.17, 0.2, 0.05))
    own = rng.uniform(0.05, 0.35, len(before_tip))
    rate = np.where(rng.random(len(before_tip)) < 0.25, own, rates)
    return np.where(trips.payment == CARD, np.round(before_tip * rate), 0).astype(np.int64)


def make_fares(rng: np.random.Generator, trips: TaxiTrips, month: Month) -> dict[str, IntArray]:
    """Price a month's trips.

    Args:
        rng: The month's stream.
        trips: The trips.
        month: The month of the file.

    Returns:
        The parts named in `PARTS` and their exact sum, `total`, in cents. A part that is null in the file is 0 here.
    """
    # Priced by the real way between the zones, so a trip with an odd recorded distance has an ordinary fare.
    miles = miles_between()[trips.pickup_zone, trips.dropoff_zone]
    is_recorded = trips.payment != NOT_RECORDED
    airport = np.isin(trips.pickup_zone, (JFK, LAGUARDIA))
    in_manhattan = _touches(trips, service_zones()["Yellow Zone"])
    charged = _touches(trips, CHARGED_ZONES) & (month >= CBD_SINCE)
    money = {
        "fare": _metered(trips, miles),
        "extra": _extra(trips),
        "mta_tax": np.full(len(miles), MTA_TAX),
        "tip": np.zeros(len(miles), dtype=np.int64),
        "tolls": _tolls(rng, trips, miles),
        "improvement": np.full(len(miles), IMPROVEMENT),
        "congestion": CONGESTION * (in_manhattan & is_recorded),
        "airport": AIRPORT * (airport & is_recorded),
        "cbd": CBD_CHARGE * charged,
    }
    money["tip"] = _tips(rng, trips, sum_of_parts(money))
    money["total"] = sum_of_parts(money)
    return money


def sum_of_parts(money: dict[str, IntArray]) -> IntArray:
    """Add up the parts of each trip's price."""
    return np.asarray(np.sum([money[part] for part in PARTS], axis=0), dtype=np.int64)
