"""What every source has in common."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from luigi_pipeline.config.settings import Download, Settings
from luigi_pipeline.core.errors import Rejected
from luigi_pipeline.sources.landed import Landed

if TYPE_CHECKING:
    from luigi_pipeline.sources.http import Publisher

# Part of every load's fingerprint: raise it when the same published files would give other rows.
ROWS_VERSION = 1
# The type of a column that is not declared. Any value is a text, so that no month is refused, whichever came first: the
# column may be empty in one month, have whole dollars in the next, and cents or words in a third.
UNDECLARED = "VARCHAR"
_LONGEST_NAME = 200  # of a column


@dataclass(frozen=True, eq=False)
class Part:
    """A flat file, or archive member, to be turned into typed rows.

    Attributes:
        name: The `_source_file` of its rows.
        path: The file itself, unpacked.
        format: parquet, or csv (UTF-8, LF, a header, every value text).
        columns: Raw name of each column, by its published name, in the file's order.
        rows: Rows counted in the file, independently of what reads it later.
        changes: How its columns differ from those declared, in words.
        month: Of an archive's member: the month that it is of, by its name.
        unit: Which rows of the month should be in it: the number of a part, the empty text for all, or a name that does
            not say. Where there are several of one unit, they are copies.
        remarks: What is not read of the published file, in words.
    """

    name: str
    path: Path
    format: Literal["parquet", "csv"]
    columns: dict[str, str]
    rows: int
    changes: list[str] = field(default_factory=list)
    month: str = ""
    unit: str = ""
    remarks: list[str] = field(default_factory=list)


class Source(Protocol):
    """A publisher's data set, which fills one raw table.

    Attributes:
        name: As in the configuration and the markers.
        table: The raw table that it fills.
        columns: The declared schema: raw name and type (as in SQL) of each column.
        added: Those that were declared after months had been loaded without them. They make no loaded month stale, in
            which they are null, or what was loaded under their name.
        dated_by: The columns whose times tell which month a row is of; none where the source itself checks each time.
    """

    name: str
    table: str
    columns: dict[str, str]
    added: frozenset[str]
    dated_by: tuple[str, ...]

    def months(self, settings: Settings) -> list[str]:
        """The configured months; none where the source is disabled."""
        ...

    def request(self, month: str, settings: Settings) -> dict[str, Any]:
        """What decides which file is asked for: where it changes, the month must be asked for again."""
        ...

    def fetch(
        self, month: str, settings: Settings, folder: Path, publisher: Publisher, known: Landed | None = None
    ) -> Landed:
        """Fetch a month's file into a folder and check that it is what it should be.

        Args:
            month: The month; empty for a source without months.
            settings: The configuration.
            folder: Where the file goes.
            publisher: Whom to ask.
            known: The file that is loaded, or has landed, already. It is returned where the publisher says that it
                has not changed, which takes one request; its path may be gone.

        Returns:
            The published file.

        Raises:
            NotPublished: The publisher does not have the month yet.
            FetchFailed: It could not be had.
            Rejected: What arrived is not the month's file.
        """
        ...

    def is_published(self, month: str, settings: Settings, folder: Path, publisher: Publisher) -> bool:
        """Whether the publisher has a month's file by now, told by one small request.

        Args:
            month: The month.
            settings: The configuration.
            folder: Where an answer that is not what it should be is kept.
            publisher: Whom to ask.

        Raises:
            FetchFailed: It does not say.
            Rejected: Its answer is not what it should be.
        """
        ...

    def is_shared(self, landed: Landed) -> bool:
        """Whether a landed file holds other months too."""
        ...

    def parts(self, landed: Landed, month: str, scratch: Path, limits: Download) -> list[Part]:
        """Open a landed file, unpacking into a scratch folder where needed.

        Raises:
            Rejected: The file is damaged, or its columns are not those of the source.
        """
        ...


@contextmanager
def set_aside_if_rejected(path: Path, *, is_shared: bool = False) -> Iterator[None]:
    """Keep a file that turns out not to be what it should be as `.rejected`, out of the way of the next attempt.

    Args:
        path: The file.
        is_shared: Whether other months are in it: then it stays for them, but is fetched anew when it is asked for.
    """
    try:
        yield
    except Rejected as error:
        aside = path.with_name(f"{path.name}.rejected")
        if is_shared:
            aside.unlink(missing_ok=True)
            _link(path, aside)
            path.with_name(f"{path.name}.json").unlink(missing_ok=True)
        else:
            path.replace(aside)
        raise Rejected(f"{error}; kept as {aside}") from error


def _link(path: Path, beside: Path) -> None:
    try:
        os.link(path, beside)
    except OSError:  # a file system without links
        shutil.copyfile(path, beside)


def match_columns(published: list[str], declared: dict[str, str], required: set[str], name: str) -> dict[str, str]:
    """Match published columns with declared ones, whatever their case, spaces and underscores.

    Args:
        published: The column names in the file, in order.
        declared: The declared schema, by raw name.
        required: Raw names that the file must have.
        name: The file's name, for the error.

    Returns:
        Raw name of each published column. A column that is not declared gets its own name in snake case.

    Raises:
        Rejected: A required column is missing, two columns have one name, or one has none.
    """
    unusable = next((column for column in published if not 0 < len(snake_case(column)) <= _LONGEST_NAME), None)
    if unusable is not None:
        raise Rejected(f"{name}: no column of a table can bear the name {unusable[:_LONGEST_NAME]!r}")
    by_key = {_key(raw): raw for raw in declared}
    matched = {column: by_key.get(_key(column), snake_case(column)) for column in published}
    missing = sorted(required - set(matched.values()))
    if missing:
        raise Rejected(f"{name}: missing column {', '.join(missing)}; it has {', '.join(published)[:1000]}")
    if len(set(matched.values())) < len(published) or len(matched) < len(published):
        twice = ", ".join(raw for raw, times in Counter(matched.values()).items() if times > 1)
        raise Rejected(f"{name}: two columns have the same name: {twice}")
    return matched


def snake_case(name: str) -> str:
    """A column name as it stands in the warehouse: `Airport_fee` and `AirportFee` become `airport_fee`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.strip())
    name = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
    return f"_{name}" if name[:1].isdigit() else name


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
