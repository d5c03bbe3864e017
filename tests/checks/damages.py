"""All damages, in the order of docs/checks.md."""

from __future__ import annotations

import damaged_bikes
import damaged_taxis
import damaged_warehouse
import damaged_weather

DAMAGES = [
    *damaged_taxis.DAMAGES,
    *damaged_bikes.DAMAGES,
    *damaged_weather.DAMAGES,
    *damaged_warehouse.DAMAGES,
]
