"""The names that people use for what a metric is cut by, and the names that MetricFlow has for the same.

MetricFlow calls an attribute by the way to it, `pickup_location__borough`. A unique end of that will do, with `_` for
`__` and `location` left out: `pickup_borough`. After a time attribute comes its grain: `trip_date__week`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from luigi_pipeline.core.errors import UnknownName

GRAINS = ("hour", "day", "week", "month", "quarter", "year")
# What every metric is dated by. MetricFlow's name for it is the same in all models, so metrics of two models can be
# asked together.
TRIP_DATE = "trip_date"
METRIC_TIME = "metric_time"


@dataclass(frozen=True)
class Attribute:
    """Something that metrics can be cut by, or filtered with.

    Attributes:
        name: MetricFlow's name, without a grain.
        kind: categorical, time or entity.
        description: As the models have it.
        grain: Of a time, the finest.
    """

    name: str
    kind: str
    description: str = ""
    grain: str | None = None


@dataclass(frozen=True)
class Cut:
    """An attribute, and for a time the grain.

    Attributes:
        asked: As it was asked for.
        attribute: What is meant.
        grain: hour to year; None for anything but a time.
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
        UnknownName: None is, or several are, called so; the message has the nearest names.
    """
    base, grain = _split_grain(asked.strip().lower())
    # In front of all others: the models' own trip_date is another way to the same, which not all metrics have.
    if base == TRIP_DATE and (time := _by_name(METRIC_TIME, attributes)):
        return _with_grain(asked, time, grain)
    for found in (_called(base, attributes), _ending(base, attributes)):
        nearest = _fewest_links(found)
        if len(nearest) > 1:
            names = " or ".join(sorted(attribute.name for attribute in nearest))
            raise UnknownName(f"{asked} may be {names}; say which")
        if nearest:
            return _with_grain(asked, nearest[0], grain)
    start, _, unknown = base.rpartition("__")
    if start == TRIP_DATE and _by_name(METRIC_TIME, attributes):
        raise UnknownName(f"{asked}: there is no grain {unknown}; the grains are {', '.join(GRAINS)}")
    raise UnknownName(f"nothing to cut by is called {asked}; the nearest are {nearest_names(asked, attributes)}")


def grains(attribute: Attribute) -> tuple[str, ...]:
    """The grains that a time has, the finest first."""
    return GRAINS[GRAINS.index(attribute.grain) :] if attribute.grain in GRAINS else GRAINS


def short_name(attribute: Attribute, attributes: Sequence[Attribute]) -> str:
    """The shortest name that means an attribute."""
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
    """The three names nearest to one that is unknown, as a text."""
    base, _ = _split_grain(asked.lower())
    known = {short_name(attribute, attributes) for attribute in attributes if not is_another_trip_date(attribute)}
    return nearest(base, known)


def is_another_trip_date(attribute: Attribute) -> bool:
    """Whether it is a model's own trip_date: another way to the time that every metric is dated by."""
    return attribute.name.endswith(f"__{TRIP_DATE}")


def nearest(asked: str, known: Iterable[str]) -> str:
    """The three known names nearest to one that is unknown, as a text."""
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
        raise UnknownName(f"{asked}: {attribute.name} is no time and has no grain")
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
    """Those with the shortest way to them: an attribute may be reached by a detour too."""
    least = min((attribute.name.count("__") for attribute in attributes), default=0)
    return [attribute for attribute in attributes if attribute.name.count("__") == least]
