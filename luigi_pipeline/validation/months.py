"""The months of trips that a validation looks at, where it need not look at all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from luigi_pipeline.months import next_month, previous_month
from luigi_pipeline.settings import MODES

# Months, by mode of travel.
Months = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Changed:
    """What is not as it was when a validation last succeeded, in this warehouse and by these expectations.

    Attributes:
        months: Those made anew since, a removed one included.
        known: Those that were there at that time.
        failed: Keys of the expectations that did not hold then (see `results.key_of`).
    """

    months: Months
    known: Months = field(default_factory=dict)
    failed: Collection[str] = ()

    def replaces(self, mode: str | None) -> bool:
        """Whether one of the months, of a mode or of any, was there before with other trips."""
        modes = self.months if mode is None else [mode]
        return any(not set(self.known.get(name, ())).isdisjoint(self.months.get(name, ())) for name in modes)

    def of(self, mode: str | None) -> dict[str, list[str]]:
        """The months of a mode, or of all."""
        return {name: sorted(months) for name, months in self.months.items() if mode in (None, name)}

    def with_neighbours(self, mode: str | None) -> dict[str, list[str]]:
        """The same, and the months directly before and after each, loaded or not."""
        return {
            name: sorted({near for month in months for near in (previous_month(month), month, next_month(month))})
            for name, months in self.of(mode).items()
        }

    def there(self, months: Months) -> dict[str, list[str]]:
        """Those of some months that have changed, or were there before."""
        known = self.now_known()
        return {mode: [month for month in of_mode if month in known[mode]] for mode, of_mode in months.items()}

    def now_known(self) -> dict[str, list[str]]:
        """The months that are there now, or were at some time since all were looked at."""
        modes = sorted({*self.months, *self.known})
        return {mode: sorted({*self.known.get(mode, ()), *self.months.get(mode, ())}) for mode in modes}

    @property
    def words(self) -> str:
        """The months, for people."""
        return words(self.months)


def words(months: Months) -> str:
    """Months for people: of each mode only where they differ."""
    listed = {mode: _listed(of_mode) for mode, of_mode in months.items() if of_mode}
    if not listed:
        return "no month"
    if len(set(listed.values())) == 1 and len(listed) == len(months):
        return next(iter(listed.values()))
    return "; ".join(f"{mode} {text}" for mode, text in listed.items())


def _listed(months: Sequence[str]) -> str:
    return ", ".join(months) if len(months) <= 4 else f"{len(months)} months from {min(months)} to {max(months)}"


def condition(partitions: Sequence[str], mode: str | None, months: Months) -> str:
    """A condition in SQL that picks the rows of months.

    The months are literals, and their range is told: DuckDB then leaves whole row groups unread, and takes the range
    along to a table that is joined by the month, which it does not with a list.

    Args:
        partitions: The columns that tell a row's month, and its mode where the table holds several.
        mode: The mode, where the table holds one.
        months: The months.
    """
    picked = {name: sorted(of_mode) for name, of_mode in months.items() if of_mode and mode in (None, name)}
    if not picked:
        return "false"
    everywhere = _in_months(sorted({month for of_mode in picked.values() for month in of_mode}))
    if "trip_type" not in partitions or (set(picked) == set(MODES) and len({*map(tuple, picked.values())}) == 1):
        return f"({everywhere})"
    each = [f"(trip_type = '{name}' and {_in_months(of_mode)})" for name, of_mode in picked.items()]
    # The months once more by themselves: in an `or`, DuckDB would not go by them to leave row groups unread.
    return f"({everywhere} and ({' or '.join(each)}))"


def _in_months(months: Sequence[str]) -> str:
    """A condition that a row is of one of some months, which are sorted."""
    if len(months) == 1:
        return f"source_month = '{months[0]}'"
    return f"source_month between '{months[0]}' and '{months[-1]}' and source_month in ({', '.join(map(repr, months))})"
