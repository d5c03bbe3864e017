"""What every source has in common."""

from __future__ import annotations

import os
import re
import shutil
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from luigi_pipeline.config.sections import Published, Section
from luigi_pipeline.config.settings import Download, Settings
from luigi_pipeline.core.errors import Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources.landed import Landed
from luigi_pipeline.sources.mode import Mode

if TYPE_CHECKING:
    from luigi_pipeline.sources.http import Publisher

# Part of the fingerprint of every load. Increase it when the same published files would give other rows.
ROWS_VERSION = 1
# The type of an undeclared column. Any value is a text, so no month is refused. Otherwise the order of months would
# matter: such a column may be empty in one month, hold whole dollars in the next, and cents or words in a third.
UNDECLARED = "VARCHAR"
_LONGEST_NAME = 200  # characters of a column's name


@dataclass(frozen=True, eq=False)
class Part:
    """A flat file or archive member, to be turned into typed rows.

    Attributes:
        name: The `_source_file` of its rows.
        path: The unpacked file.
        format: parquet, or csv (UTF-8, LF, a header, every value text).
        columns: The raw name of each column, by its published name, in the order of the file.
        rows: Number of rows, counted independently of the engine that reads them later.
        changes: How its columns differ from those declared, in words.
        month: The month of an archive's member, by its name; None if the file is of no month.
        unit: Which rows of the month it should have: the number of a part, the empty text for all, or another name.
            Parts with the same unit are copies.
        remarks: What is left out of the published file, in words.
    """

    name: str
    path: Path
    format: Literal["parquet", "csv"]
    columns: dict[str, str]
    rows: int
    changes: list[str] = field(default_factory=list)
    month: Month | None = None
    unit: str = ""
    remarks: list[str] = field(default_factory=list)


class Source(ABC):
    """A publisher's data set, which fills one raw table.

    This is all that the pipeline knows of a source. registry.py lists the sources.

    Attributes:
        name: Its name in the configuration, the markers and the warehouse.
        title: What people call it.
        table: The raw table that it fills.
        columns: The declared schema: raw name and SQL type of each column.
        added: Columns that were declared after months had been loaded. They do not make these months stale. In these
            months they are null, or hold what was loaded under their name.
        dated_by: The columns whose times say which month a row is of; empty if the source itself checks each time.
        block: The model of its block in the configuration. `enabled` has the default that the source has.
        priority: Loads of sources with a higher number go first. Small files go before large ones.
        asked_alone: The resource in luigi.cfg that holds its fetches to one at a time, if its publisher asks for that.
        drawn: The statistics of a month that the report draws, in order; month_profiles holds more.
        mode: The mode of travel, if its rows are trips.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    table: ClassVar[str]
    columns: ClassVar[dict[str, str]]
    added: ClassVar[frozenset[str]] = frozenset()
    dated_by: ClassVar[tuple[str, ...]] = ()
    block: ClassVar[type[Section]]
    priority: ClassVar[int]
    asked_alone: ClassVar[str | None] = None
    drawn: ClassVar[tuple[str, ...]] = ()
    mode: ClassVar[Mode | None] = None

    @property
    def key(self) -> str:
        """The key of its block in the configuration, below `sources`."""
        return self.name

    @property
    def is_monthly(self) -> bool:
        """Whether its publisher adds a file each month. Otherwise there is a single file."""
        return issubclass(self.block, Published)

    @abstractmethod
    def months(self, settings: Settings) -> list[Month]:
        """The configured months; none if the source is disabled, or has no months."""

    @abstractmethod
    def request(self, month: Month | None, settings: Settings) -> dict[str, Any]:
        """What decides which file is asked for. If it changes, the month must be asked for again."""

    @abstractmethod
    def fetch(
        self, month: Month | None, settings: Settings, folder: Path, publisher: Publisher, known: Landed | None = None
    ) -> Landed:
        """Fetch a month's file into a folder and check it.

        Args:
            month: The month; None for a source without months.
            settings: The configuration.
            folder: Where the file goes.
            publisher: The HTTP client to use.
            known: The file that is loaded, or has landed. It is returned if the publisher answers that it has not
                changed, which takes one request. Its path may be gone.

        Returns:
            The published file.

        Raises:
            NotPublished: The publisher does not have the month yet.
            FetchFailed: The file could not be fetched.
            Rejected: The file that arrived is not the month's file.
        """

    @abstractmethod
    def is_published(self, month: Month, settings: Settings, folder: Path, publisher: Publisher) -> bool:
        """Whether the publisher has a month's file by now. This takes one small request.

        Args:
            month: The month.
            settings: The configuration.
            folder: Where an invalid answer is kept.
            publisher: The HTTP client to use.

        Raises:
            FetchFailed: The publisher gives no answer.
            Rejected: The answer is invalid.
        """

    def is_shared(self, landed: Landed) -> bool:
        """Whether a landed file holds other months too. By default none does."""
        return False

    @abstractmethod
    def parts(self, landed: Landed, month: Month | None, scratch: Path, limits: Download) -> list[Part]:
        """Open a landed file, and unpack it into a scratch folder if needed.

        Raises:
            Rejected: The file is damaged, or its columns are not those of the source.
        """


@contextmanager
def set_aside_if_rejected(path: Path, *, is_shared: bool = False) -> Iterator[None]:
    """If the body rejects a file, keep it as `.rejected`, out of the way of the next attempt.

    Args:
        path: The file.
        is_shared: Whether other months are in the file. Then it also stays in place for them, and is fetched again when
            it is next asked for.
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
    """Match published columns with declared ones, ignoring case, spaces and underscores.

    Args:
        published: The column names in the file, in order.
        declared: The declared schema, by raw name.
        required: Raw names that the file must have.
        name: The file's name, for the error.

    Returns:
        The raw name of each published column. An undeclared column gets its own name in snake case.

    Raises:
        Rejected: A required column is missing, two columns have the same name, or one has none.
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
    """A column's name in the warehouse: `Airport_fee` and `AirportFee` become `airport_fee`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.strip())
    name = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
    return f"_{name}" if name[:1].isdigit() else name


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
