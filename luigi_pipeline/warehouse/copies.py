"""Leaving out copies of a month's files. Some archives hold a month two or three times, and each ride counts once.

A file's name says whether it may be a copy. Its rows decide: they are compared after parsing, in any order and quoting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from luigi_pipeline.core.errors import Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import Part

Content = tuple[int, int]  # rows, and the sum of their hashes
_MOST_NAMES = 4


def leave_out(parts: list[Part], content: Callable[[Part], Content]) -> tuple[list[Part], list[str]]:
    """Leave out the parts that are copies.

    If a month is there as a whole and in parts, the whole is kept. Of two copies, the one in fewer folders is kept.

    Args:
        parts: The flat files in the published file.
        content: Counts the rows of a part and sums their hashes. It is called only for parts that may be copies, or may
            have one.

    Returns:
        The parts that are left, and a remark on each part that was left out.

    Raises:
        Rejected: A part that should be a copy has other rows.
    """
    content = cache(content)
    by_month: dict[Month | None, list[Part]] = {}
    for part in sorted(parts, key=lambda part: (part.name.count("/"), part.name)):
        by_month.setdefault(part.month, []).append(part)
    left_out: dict[str, str] = {}
    for members in by_month.values():
        for kept, copies in _copies(members, content):
            left_out |= {copy.name: kept[0].name for copy in copies}
    remarks = [f"{copy} is left out: its rows are in {kept} too" for copy, kept in left_out.items()]
    return [part for part in parts if part.name not in left_out], remarks


def _copies(members: list[Part], content: Callable[[Part], Content]) -> Iterator[tuple[list[Part], list[Part]]]:
    """Yield the kept parts of a month, each time with the copies that are left out for them."""
    units: dict[str, list[Part]] = {}
    for part in members:
        units.setdefault(part.unit, []).append(part)
    for first, *copies in units.values():
        for copy in copies:
            yield _proven([first], [copy], content)
    numbered = [same[0] for unit, same in units.items() if unit.isdecimal()]
    others = [same[0] for unit, same in units.items() if unit and not unit.isdecimal()]
    # If there are numbered parts, a file with any other name can only be the whole month.
    whole = (units.get("") or (others if numbered else []))[:1]
    if not whole:
        yield from _of_equal_rows(others, content)
        return
    for copies in (numbered, *([other] for other in others if other not in whole)):
        if copies:
            yield _proven(whole, copies, content)


def _of_equal_rows(parts: list[Part], content: Callable[[Part], Content]) -> Iterator[tuple[list[Part], list[Part]]]:
    seen: dict[Content, Part] = {}
    for part in parts if len(parts) > 1 else []:
        first = seen.setdefault(content(part), part)
        if first is not part and part.rows:
            yield [first], [part]


def _proven(kept: list[Part], copies: list[Part], content: Callable[[Part], Content]) -> tuple[list[Part], list[Part]]:
    if _sum(kept, content) != _sum(copies, content):
        archive = kept[0].name.partition("/")[0]
        raise Rejected(
            f"{archive}: holds a month's rides twice, and they differ: {_listed(kept)} against {_listed(copies)}"
        )
    return kept, copies


def _sum(parts: list[Part], content: Callable[[Part], Content]) -> Content:
    contents = [content(part) for part in parts]
    return sum(rows for rows, _ in contents), sum(hashes for _, hashes in contents)


def _listed(parts: list[Part]) -> str:
    names = [f"{part.name.partition('/')[2]} ({part.rows:,} row{'s' * (part.rows != 1)})" for part in parts]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
