"""TLC's yellow-taxi trips. What all of TLC's trip records have in common is in tlc.py."""

from __future__ import annotations

from pydantic import Field

from luigi_pipeline.config.sections import HttpUrl, TripSource
from luigi_pipeline.sources.mode import Mode
from luigi_pipeline.sources.tlc import SITE, TripRecords


class YellowTaxi(TripSource):
    """TLC's CDN, with trip files below /trip-data, and the zone lookup below /misc."""

    base_url: HttpUrl = SITE
    usual_delay_days: int = Field(default=75, ge=0)


class YellowTaxiTrips(TripRecords):
    """Fills `raw_data.yellow_taxi`, one row per trip."""

    name = "yellow_taxi"
    title = "Yellow taxi"
    table = "yellow_taxi"
    file = "yellow_tripdata"
    columns = {
        "vendor_id": "BIGINT",
        "tpep_pickup_datetime": "TIMESTAMP",
        "tpep_dropoff_datetime": "TIMESTAMP",
        "passenger_count": "BIGINT",
        "trip_distance": "DOUBLE",
        "ratecode_id": "BIGINT",
        "store_and_fwd_flag": "VARCHAR",
        "pu_location_id": "BIGINT",
        "do_location_id": "BIGINT",
        "payment_type": "BIGINT",
        "fare_amount": "DOUBLE",
        "extra": "DOUBLE",
        "mta_tax": "DOUBLE",
        "tip_amount": "DOUBLE",
        "tolls_amount": "DOUBLE",
        "improvement_surcharge": "DOUBLE",
        "total_amount": "DOUBLE",
        "congestion_surcharge": "DOUBLE",
        "airport_fee": "DOUBLE",
        "cbd_congestion_fee": "DOUBLE",
        "request_source": "VARCHAR",
    }
    added = frozenset({"request_source"})
    # Added over the years: congestion in 2019, airport in 2021, congestion pricing in 2025, request_source in 2026.
    optional = frozenset({"congestion_surcharge", "airport_fee", "cbd_congestion_fee", "request_source"})
    dated_by = ("tpep_pickup_datetime", "tpep_dropoff_datetime")
    block = YellowTaxi
    priority = 1
    drawn = (
        "trips",
        "median_fare_usd",
        "median_miles",
        "median_minutes",
        "median_mph",
        "share_without_passenger_count",
    )
    mode = Mode(
        noun="taxi",
        staging_model="stg_tlc__yellow_taxi",
        shades=("#fff1d6", "#f6bd5d", "#cc7a00", "#7a3b00", "#331600"),
        dash=(1, 0),
        shape="circle",
        has_fares=True,
        has_distances=True,
        has_zones=True,
        has_passengers=True,
    )
