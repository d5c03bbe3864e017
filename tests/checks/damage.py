"""What a damage is, and how published files are rewritten with one."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

# November has the hour that happens twice; October is the month that most damage is done to.
OCTOBER, NOVEMBER = "2024-10", "2024-11"
ROWS = 4000

# published: to the files at their publishers; raw: to the raw tables, before the models are built; models: to the
# models, before they are tested.
Place = Literal["published", "raw", "models"]


@dataclass(frozen=True)
class Damage:
    """One way in which data can go wrong.

    Attributes:
        name: Its key, a few words.
        words: What it does, in a sentence.
        place: Where it is done.
        publish: Does it to a folder of published files.
        answer: Does it to what Open-Meteo answers for October alone.
        statements: Does it to the warehouse.
    """

    name: str
    words: str
    place: Place
    publish: Callable[[Path], None] | None = None
    answer: Callable[[dict[str, Any]], None] | None = None
    statements: tuple[str, ...] = ()


def published(name: str, words: str, publish: Callable[[Path], None]) -> Damage:
    """A damage to published files."""
    return Damage(name, words, "published", publish)


def answered(name: str, words: str, answer: Callable[[dict[str, Any]], None]) -> Damage:
    """A damage to Open-Meteo's answer for October."""
    return Damage(name, words, "published", answer=answer)


def inside(name: str, words: str, place: Place, *statements: str) -> Damage:
    """A damage to tables of the warehouse."""
    return Damage(name, words, place, statements=statements)


# Taxis


def taxi_path(folder: Path, month: str = OCTOBER) -> Path:
    return folder / "trip-data" / f"yellow_tripdata_{month}.parquet"


def taxi(query: str, month: str = OCTOBER) -> Callable[[Path], None]:
    """Rewrite a month's trips: `trips` in the query are its rows, with their `position`."""

    def rewrite(folder: Path) -> None:
        path = taxi_path(folder, month)
        new = path.with_suffix(".new")
        with duckdb.connect() as connection:
            connection.execute(
                f"create view trips as select *, file_row_number as position from "
                f"read_parquet('{path}', file_row_number = true)"
            )
            columns = connection.execute(f"describe from read_parquet('{path}')").fetchall()
            names = ", ".join(f'"{column[0]}"' for column in columns)
            connection.execute(f"copy (select {names} from ({query})) to '{new}' (format parquet)")
        new.replace(path)

    return rewrite


def taxi_columns(month: str = OCTOBER, **columns: str) -> Callable[[Path], None]:
    """Replace columns of a month's trips by expressions."""
    replaced = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
    return taxi(f"select * replace ({replaced}) from trips", month)


# Bikes


def bike_path(folder: Path, month: str = OCTOBER) -> Path:
    return folder / "tripdata" / f"{month.replace('-', '')}-citibike-tripdata.zip"


def archive(change: Callable[[dict[str, bytes]], None], month: str = OCTOBER) -> Callable[[Path], None]:
    """Change a month's archive: its members by name."""

    def rewrite(folder: Path) -> None:
        path = bike_path(folder, month)
        with zipfile.ZipFile(path) as old:
            members = {entry.filename: old.read(entry) for entry in old.infolist()}
        change(members)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for name, content in members.items():
                new.writestr(zipfile.ZipInfo(name, (2024, 11, 4, 9, 0, 0)), content, zipfile.ZIP_DEFLATED)

    return rewrite


def bikes(query: str, month: str = OCTOBER) -> Callable[[Path], None]:
    """Rewrite each member of a month's archive: `rides` in the query are its rows, with their `position`."""

    def change(members: dict[str, bytes], folder: Path) -> None:
        for name in [name for name in members if name.endswith(".csv") and "__MACOSX" not in name]:
            old, new = folder / "old.csv", folder / "new.csv"
            old.write_bytes(members[name])
            with duckdb.connect() as connection:
                connection.execute(
                    f"create view rides as select *, row_number() over () as position from "
                    f"read_csv('{old}', all_varchar = true, header = true, quote = '\"', escape = '\"')"
                )
                columns = connection.execute(f"describe from read_csv('{old}', all_varchar = true)").fetchall()
                names = ", ".join(column[0] for column in columns)
                connection.execute(f"copy (select {names} from ({query})) to '{new}' (header, delimiter ',')")
            members[name] = new.read_bytes()

    def rewrite(folder: Path) -> None:
        scratch = folder / ".scratch"
        scratch.mkdir()
        archive(lambda members: change(members, scratch), month)(folder)
        shutil.rmtree(scratch)

    return rewrite


def bike_columns(month: str = OCTOBER, **columns: str) -> Callable[[Path], None]:
    """Replace columns of a month's rides by expressions; all are text."""
    replaced = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
    return bikes(f"select * replace ({replaced}) from rides", month)


# Weather

Hourly = dict[str, list[Any]]


def weather(change: Callable[[Hourly, list[int]], None], month: str | None = OCTOBER) -> Callable[[Path], None]:
    """Change a year's hours: the hourly lists, and the positions of the month's hours in them."""

    def rewrite(folder: Path) -> None:
        path = folder / "archive" / "2024.json"
        answer = json.loads(path.read_text())
        hourly = answer["hourly"]
        change(hourly, [at for at, time in enumerate(hourly["time"]) if time.startswith(month or "")])
        path.write_text(json.dumps(answer))

    return rewrite


def weather_values(
    functions: Mapping[str, Callable[[Any], Any]], month: str | None = OCTOBER
) -> Callable[[Path], None]:
    """Change each value of some variables; a null stays."""

    def change(hourly: Hourly, at: list[int]) -> None:
        for name, function in functions.items():
            for position in at:
                value = hourly[name][position]
                hourly[name][position] = None if value is None else function(value)

    return weather(change, month)


def weather_head(**fields: Any) -> Callable[[Path], None]:
    """Change what an answer says of itself."""

    def rewrite(folder: Path) -> None:
        path = folder / "archive" / "2024.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    return rewrite


# Zones


def zones(change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    """Change the lines of the zone lookup, its header apart."""

    def rewrite(folder: Path) -> None:
        path = folder / "misc" / "taxi_zone_lookup.csv"
        header, *lines = path.read_bytes().decode().split("\r\n")
        path.write_bytes("\r\n".join([header, *change([line for line in lines if line]), ""]).encode())

    return rewrite
