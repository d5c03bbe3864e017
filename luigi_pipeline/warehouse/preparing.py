"""Turning a month's published files into one typed Parquet file that can be loaded as it is.

DuckDB does this in memory, without the warehouse. No row goes through Python.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import duckdb

from luigi_pipeline.config.settings import Warehouse
from luigi_pipeline.console import progress
from luigi_pipeline.core.errors import Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources import Landed, Part, Source
from luigi_pipeline.sources.base import UNDECLARED
from luigi_pipeline.warehouse import complaints, copies, quoting

# The published time formats. They are listed because a guess would read 9/1/2014 as the ninth of January.
_TIME_FORMATS = "['%Y-%m-%d %H:%M:%S.%f', '%Y-%m-%d %H:%M:%S', '%m/%d/%Y %H:%M:%S', '%m/%d/%Y %H:%M']"
_INTEGERS = {"BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT", "BOOLEAN"}
_FRACTIONS = {"FLOAT", "DOUBLE"}
_PART_OF_LOAD = (0.0, 0.5)  # the insert into the raw table is the other half
_NULL_TEXTS = ["", "NULL", "\\N"]


@dataclass(frozen=True)
class Prepared:
    """The typed rows of a month.

    Attributes:
        path: The Parquet file: the declared columns, new columns, then the four `_source_*` columns.
        rows: Number of rows by `_source_file`, as counted in the published files.
        changes: Columns that are missing, new, or of another type than declared.
        remarks: What was left out of the published file, in words.
    """

    path: Path
    rows: dict[str, int]
    changes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def prepare(
    source: Source,
    landed: Landed,
    parts: list[Part],
    month: Month | None,
    path: Path,
    limits: Warehouse,
) -> Prepared:
    """Write a month's parts as one typed Parquet file.

    Args:
        source: The source, which declares the types that the columns are cast to.
        landed: The published file.
        parts: The flat files in it.
        month: The published file's month, if it has one.
        path: The Parquet file to write.
        limits: What DuckDB may use.

    Returns:
        The file, with the number of rows of each part.

    Raises:
        Rejected: A value can't be cast to its declared type, a CSV row is malformed, a part lost or gained rows, or two
            copies of a part differ.
    """
    with duckdb.connect(config={"threads": limits.threads, "memory_limit": limits.memory_limit}) as engine:
        engine.execute("set TimeZone = 'UTC'")
        engine.execute(f"set temp_directory = {quoting.text(path.parent / 'spill')}")
        # A Parquet file has row numbers, so its rows may be written in any order, which is quicker.
        in_order = "true" if any(part.format == "csv" for part in parts) else "false"
        engine.execute(f"set preserve_insertion_order = {in_order}")
        try:
            remarks = [remark for part in parts for remark in part.remarks]
            parts, left_out = copies.leave_out(parts, partial(_content, engine, declared=source.columns))
            changes = [change for part in parts for change in part.changes]
            selects = []
            for part in parts:
                types = _published_types(engine, part)
                changes += _type_changes(part, types, source.columns)
                selects.append(_select(part, types, source.columns, _lineage(part, parts, month, landed.version)))
            # Not compressed: the file is read once, right away, so it should be cheap to write.
            rows = " union all by name ".join(selects)
            doing, rows_in_all = f"reading {month or landed.path.name}", sum(part.rows for part in parts)
            with progress.of_query(engine, doing, rows_in_all, _PART_OF_LOAD):
                engine.execute(f"copy ({rows}) to {quoting.text(path)} (format parquet, compression uncompressed)")
        except (duckdb.IOException, duckdb.OutOfMemoryException):
            raise  # a fault of the machine, not of the file
        except duckdb.Error as error:
            raise Rejected(complaints.explain(str(error), landed.path.name, parts)) from error
        counted = engine.execute(f"select _source_file, count(*) from {quoting.parquet(path)} group by all").fetchall()
        expected = {part.name: part.rows for part in parts}
        _reconcile(expected, dict(counted))
    return Prepared(path, expected, sorted(changes), remarks + left_out)


def check_month(source: Source, file: Prepared, month: Month, name: str) -> None:
    """Reject a file of another month that has this month's name. A few rows of other months are normal.

    Args:
        source: The source, which names the columns that date a row.
        file: The typed rows.
        month: The month that the rows should be of.
        name: The published file.

    Raises:
        Rejected: Most rows are of another month.
    """
    if not source.dated_by:
        return
    times = [quoting.name(column) for column in source.dated_by]
    limits = {"first": month.first_day, "next": month.day_after}
    rows = f"from {quoting.parquet(file.path)}"
    with duckdb.connect(config={"threads": 1}) as engine:
        # For nearly every file, the first column is enough.
        for dates in (times[:1], times):
            within = " or ".join(f"coalesce({time} >= $first and {time} < $next, false)" for time in dates)
            all_rows, of_month = engine.execute(
                f"select count(*), count(*) filter (where {within}) {rows}", limits
            ).fetchall()[0]
            if 2 * of_month >= all_rows:
                return
        actual = engine.execute(f"select mode(strftime(coalesce({', '.join(times)}), '%Y-%m')) {rows}").fetchall()[0][0]
    raise Rejected(f"{name}: {of_month:,} of its {all_rows:,} rows are of {month}; most are of {actual or 'no month'}")


def _content(engine: duckdb.DuckDBPyConnection, part: Part, declared: dict[str, str]) -> copies.Content:
    """Count a part's rows, and sum their hashes, which gives the same sum in any order."""
    rows = _select(part, _published_types(engine, part), declared, [])
    row = f"hash({', '.join(map(quoting.name, declared))})"
    counted = engine.execute(f"select count(*), coalesce(sum({row}), 0) from ({rows})").fetchall()[0]
    return counted[0], counted[1]


def _reconcile(expected: dict[str, int], counted: dict[str, int]) -> None:
    for name, rows in expected.items():
        if counted.get(name, 0) != rows:
            raise Rejected(f"{name}: has {rows:,} rows but {counted.get(name, 0):,} were read; is a quote left open?")


def _published_types(engine: duckdb.DuckDBPyConnection, part: Part) -> dict[str, str]:
    if part.format == "csv":
        return dict.fromkeys(part.columns, "VARCHAR")
    described = engine.execute(f"describe select * from {_reader(part)}").fetchall()
    return {row[0]: row[1] for row in described if row[0] in part.columns}


def _type_changes(part: Part, types: dict[str, str], declared: dict[str, str]) -> list[str]:
    if part.format == "csv":
        return []
    return [
        f"{part.name}: {raw} is {types[published]}, declared {declared[raw]}"
        for published, raw in part.columns.items()
        if raw in declared and types[published] != declared[raw]
    ]


def _select(part: Part, types: dict[str, str], declared: dict[str, str], lineage: list[str]) -> str:
    new = [raw for raw in part.columns.values() if raw not in declared]
    columns = [_typed(raw, kind, part, types) for raw, kind in declared.items()]
    columns += [_typed(raw, UNDECLARED, part, types) for raw in new]
    rows = _reader(part)
    times = [name for name, raw in part.columns.items() if declared.get(raw) == "TIMESTAMP"]
    if part.format == "csv" and times:
        # Parse the times in a subquery: otherwise each branch of a case would parse them again.
        parsed = [f"try_strptime({quoting.name(name)}, {_TIME_FORMATS}) as {_parsed(name, part)}" for name in times]
        rows = f"(select *, {', '.join(parsed)} from {rows})"
    return f"select {', '.join([*columns, *lineage])} from {rows}"


def _lineage(part: Part, parts: list[Part], month: Month | None, version: str) -> list[str]:
    """The four columns that say where a row comes from."""
    row = "file_row_number + 1" if part.format == "parquet" else "row_number() over ()"
    return [
        f"{_one_of(part.name, [each.name for each in parts])} as _source_file",
        f"{_one_of(month, [month]) if month else 'cast(null as varchar)'} as _source_month",
        f"cast({row} as bigint) as _source_row",
        f"{_one_of(version, [version])} as _source_version",
    ]


def _one_of(value: str, values: list[str]) -> str:
    """A text out of a few, as an enum. A plain text would be hashed row by row for the Parquet file's dictionary."""
    return f"cast({quoting.text(value)} as enum ({', '.join(map(quoting.text, values))}))"


def _typed(raw: str, kind: str, part: Part, types: dict[str, str]) -> str:
    published = {raw: name for name, raw in part.columns.items()}.get(raw)
    if published is None:
        return f"cast(null as {kind}) as {quoting.name(raw)}"
    value = quoting.name(published)
    if kind == "TIMESTAMP" and part.format == "csv":
        typed = _time(published, raw, part)
    elif kind == "BIGINT" and types[published] not in _INTEGERS:
        typed = _whole_number(value, raw, part.name)
    elif kind == "DOUBLE":
        typed = _number(value)
    elif kind == "VARCHAR" and types[published] in _FRACTIONS:
        typed = f"case when not isnan({value}) then cast({value} as varchar) end"
    else:
        typed = f"cast({value} as {kind})"
    return f"{typed} as {quoting.name(raw)}"


def _number(value: str) -> str:
    """A double; null if it is not a finite number, which is how pandas writes a missing one."""
    return f"case when isfinite(cast({value} as double)) then cast({value} as double) end"


def _whole_number(value: str, raw: str, file: str) -> str:
    """A number as an integer, or an error if it has a fraction, which a cast would round away."""
    number = _number(value)
    complaint = f"{quoting.text(f'{file}: {raw} has a fraction: ')} || cast({value} as varchar)"
    whole = f"{number} = trunc({number}) then cast(cast({value} as double) as bigint)"
    return f"case when {whole} when {number} is not null then error({complaint}) end"


def _parsed(published: str, part: Part) -> str:
    """The name of the column for the parsed time of a text column. No published column has this name."""
    there = {name.casefold() for name in part.columns}
    while published.casefold() in there:
        published += " parsed"
    return quoting.name(published)


def _time(published: str, raw: str, part: Part) -> str:
    """A time in one of the known formats. Any other text stops the load, so that it does not become a null."""
    value, parsed = quoting.name(published), _parsed(published, part)
    complaint = f"{quoting.text(f'{part.name}: {raw} has a time in an unknown format: ')} || {value}"
    # A year with two digits is parsed as a year of the first century.
    return f"case when {value} is null then null when year({parsed}) >= 1900 then {parsed} else error({complaint}) end"


def _reader(part: Part) -> str:
    if part.format == "parquet":
        return quoting.parquet(part.path, "file_row_number = true")
    columns = ", ".join(f"{quoting.text(name)}: 'VARCHAR'" for name in part.columns)
    nulls = ", ".join(quoting.text(text) for text in _NULL_TEXTS)
    return (
        f"read_csv({quoting.file(part.path)}, auto_detect = false, header = true, "
        "delim = ',', quote = '\"', escape = '\"', "
        f"new_line = '\\n', strict_mode = true, hive_partitioning = false, "
        f"nullstr = [{nulls}], columns = {{{columns}}})"
    )
