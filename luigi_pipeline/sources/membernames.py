"""What the path of an archive's member says about it: its month, its number in the month, and its city.

A path is that in the archive, with nested archives as folders. CitiBike names its files in many ways (`citbike`,
`.csv_1.csv`, `4_April/`), so only what they have in common is used.
"""

from __future__ import annotations

import calendar
import re
from pathlib import PurePosixPath

from luigi_pipeline.core.months import Month

_MONTH = re.compile(r"(20\d\d)-?(0[1-9]|1[0-2])(?!\d)")
_MONTHS_FOLDER = re.compile(r"(0?[1-9]|1[0-2])[ _-]([a-z]+)", re.IGNORECASE)
# Of a file, or of an archive with one part.
_NUMBER = re.compile(r"_(\d{1,3})(\.csv)?(\.zip)?$", re.IGNORECASE)
_WORDS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}


def path_of(name: str) -> PurePosixPath:
    """A member's path. Some archives are packed with Windows' separators."""
    return PurePosixPath(name.replace("\\", "/"))


def month_of(name: str, year: int | None = None) -> Month | None:
    """The month in a path. The file's own name is read before its folders.

    Args:
        name: The path.
        year: The year of a yearly archive, in which a folder may be named `4_April`.
    """
    for text in reversed(path_of(name).parts):
        match = _MONTH.search(text)
        if match:
            return Month(f"{match[1]}-{match[2]}")
        folder = _MONTHS_FOLDER.fullmatch(text) if year else None
        if folder and _WORDS.get(folder[2].lower()) == int(folder[1]):
            return Month(f"{year}-{int(folder[1]):02}")
    return None


def number_of(name: str) -> int | None:
    """The number of a part in its month.

    It is in the part's own name or, if the part is alone in a nested archive, in the archive's name. The macro
    archive_part_number does the same in SQL.
    """
    parts = path_of(name).parts
    for text in reversed(parts):
        match = _NUMBER.search(text) if text == parts[-1] or text.lower().endswith(".zip") else None
        if match:
            return int(match[1])
    return None


def unit_of(name: str) -> str:
    """The unit of a member: a part's number, the empty text for the whole month, or a name that says neither."""
    number, file = number_of(name), path_of(name).name.lower()
    return str(number) if number is not None else "" if month_of(file) else file


def is_jersey_city(name: str) -> bool:
    """Whether a member's rides are Jersey City's, by its name or the name of an archive around it."""
    return any(text.upper().startswith("JC-") for text in path_of(name).parts)
