"""The short names that people use for dimensions, and MetricFlow's names for the same.

MetricFlow names a dimension by the path to it: `pickup_location__borough`. People may use a unique end of the path,
with `_` for `__` and without `location`: `pickup_borough`. The name of a time is followed by a grain:
`trip_date__week`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from luigi_pipeline.core.errors import UnknownName

GRAINS = ("hour", "day", "week", "month", "quarter", "year")
# The time of every metric. MetricFlow has one name for it in all models, so that metrics of two models can be queried
# together.
TRIP_DATE = "trip_date"
METRIC_TIME = "metric_time"


@dataclass(frozen=True)
class Attribute:
    """A dimension, to group metrics by or to filter with.

    Attributes:
        name: MetricFlow's name, without a grain.
        kind: categorical, time or entity.
        description: Its description in the models.
        grain: The finest grain of a time.
    """

    name: str
    kind: str
    description: str = ""
    grain: str | None = None


@dataclass(frozen=True)
class Cut:
    """A dimension of a query: an attribute and, for a time, its grain.

    Attributes:
        asked: The name as it was asked for.
        attribute: The attribute that it means.
        grain: hour to year; None if it is not a time.
    """

    asked: str
    attribute: Attribute
    grain: str | None = None

    @property
    def name(self) -> str:
        """MetricFlow's name."""
        return f"{self.attribute.name}__{self.grain}" if self.grain else self.attribute.name


def resolve(asked: str, attributes: Sequence[Attribute]) -> Cut:
    """Find the attribute that a name means.

    Raises:
        UnknownName: The name is unknown or ambiguous. The message suggests the nearest names.
    """
    base, grain = _split_grain(asked.strip().lower())
    # This comes first: the models' own trip_date is the same time, but not all metrics have it.
    if base == TRIP_DATE and (time := _by_name(METRIC_TIME, attributes)):
        return _with_grain(asked, time, grain)
    for candidates in (_called(base, attributes), _ending(base, attributes)):
        nearest = _fewest_links(candidates)
        if len(nearest) > 1:
            names = " or ".join(sorted(attribute.name for attribute in nearest))
            raise UnknownName(f"{asked} may be {names}; say which")
        if nearest:
            return _with_grain(asked, nearest[0], grain)
    start, _, unknown = base.rpartition("__")
    if start == TRIP_DATE and _by_name(METRIC_TIME, attributes):
        raise UnknownName(f"{asked}: there is no grain {unknown}; the grains are {', '.join(GRAINS)}")
    raise UnknownName(f"there is no dimension {asked}; the nearest are {nearest_names(asked, attributes)}")


def grains(attribute: Attribute) -> tuple[str, ...]:
    """The grains of a time, the finest first."""
    return GRAINS[GRAINS.index(attribute.grain) :] if attribute.grain in GRAINS else GRAINS


def short_name(attribute: Attribute, attributes: Sequence[Attribute]) -> str:
    """The shortest name that means only this attribute."""
    if attribute.name == METRIC_TIME:
        return TRIP_DATE
    parts = _without_location(attribute.name)
    for length in range(1, len(parts) + 1):
        short = "_".join(parts[-length:])
        try:
            if short and resolve(short, attributes).attribute == attribute:
                return short
        except UnknownName:
            continue
    return attribute.name


def nearest_names(asked: str, attributes: Sequence[Attribute]) -> str:
    """The three names that are nearest to an unknown name, as a text."""
    base, _ = _split_grain(asked.lower())
    known = {short_name(attribute, attributes) for attribute in attributes if not is_another_trip_date(attribute)}
    return nearest(base, known)


def is_another_trip_date(attribute: Attribute) -> bool:
    """Whether it is a model's own trip_date, which is the same as the time of every metric."""
    return attribute.name.endswith(f"__{TRIP_DATE}")


def nearest(asked: str, known: Iterable[str]) -> str:
    """The three known names that are nearest to an unknown name, as a text."""
    return ", ".join(difflib.get_close_matches(asked, sorted(known), n=3, cutoff=0)) or "none"


def _split_grain(name: str) -> tuple[str, str | None]:
    base, _, last = name.rpartition("__")
    return (base, last) if base and last in GRAINS else (name, None)


def _with_grain(asked: str, attribute: Attribute, grain: str | None) -> Cut:
    if attribute.kind == "time":
        if grain and grain not in grains(attribute):
            raise UnknownName(f"{asked}: its finest grain is {grains(attribute)[0]}")
        return Cut(asked, attribute, grain or ("day" if "day" in grains(attribute) else grains(attribute)[0]))
    if grain:
        raise UnknownName(f"{asked}: {attribute.name} is not a time and has no grain")
    return Cut(asked, attribute)


def _by_name(name: str, attributes: Sequence[Attribute]) -> Attribute | None:
    return next((attribute for attribute in attributes if attribute.name == name), None)


def _called(name: str, attributes: Sequence[Attribute]) -> list[Attribute]:
    exact = _by_name(name, attributes)
    return [exact] if exact else [attribute for attribute in attributes if name in _flat(attribute)]


def _ending(name: str, attributes: Sequence[Attribute]) -> list[Attribute]:
    end = "_" + name.replace("__", "_")
    return [attribute for attribute in attributes if any(flat.endswith(end) for flat in _flat(attribute))]


def _flat(attribute: Attribute) -> set[str]:
    return {attribute.name.replace("__", "_"), "_".join(filter(None, _without_location(attribute.name)))}


def _without_location(name: str) -> list[str]:
    return [part.removesuffix("location").rstrip("_") for part in name.split("__")]


def _fewest_links(attributes: list[Attribute]) -> list[Attribute]:
    """The attributes with the shortest path. Longer paths lead to the same attribute by a detour."""
    least = min((attribute.name.count("__") for attribute in attributes), default=0)
    return [attribute for attribute in attributes if attribute.name.count("__") == least]
