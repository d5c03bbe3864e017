"""What has changed since a build, from the markers: worked out once, and handed to dbt and to the validation."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import MODES, MONTHLY

Months = dict[str, list[str]]


@dataclass(frozen=True)
class Changes:
    """The months that were loaded, loaded again or taken out; or everything.

    Attributes:
        months: The months, sorted, by source; None for everything.
    """

    months: Months | None

    @classmethod
    def between(cls, before: Mapping[str, str], now: Mapping[str, str], for_all_months: Collection[str]) -> Changes:
        """What has changed between the inputs of two builds, in the form in which markers keep them.

        Args:
            before: The inputs of the earlier build.
            now: Those of the later one.
            for_all_months: Names of inputs that change nothing but tests, and those for all months.

        Returns:
            The months; everything if any other input has changed.
        """
        changes = cls({})
        for name in (key for key in before.keys() | now.keys() if before.get(key) != now.get(key)):
            source, _, text = name.partition(" ")
            month = Month.or_none(text)
            if source in MONTHLY and month:
                changes = changes.also(source, [month])
            elif name not in for_all_months:
                return EVERYTHING
        return changes

    def also(self, source: str, months: Iterable[str]) -> Changes:
        """These changes, and more months of a source."""
        if self.months is None:
            return self
        return Changes(self.months | {source: sorted({*self.months.get(source, []), *months})})

    @property
    def of_trips(self) -> Months | None:
        """The months of trips, by mode; None for all."""
        return None if self.months is None else {name: of for name, of in self.months.items() if name in MODES}

    def as_json(self) -> str:
        """The months as dbt reads them from its environment; `null` for everything."""
        return json.dumps(self.months)


EVERYTHING = Changes(None)
