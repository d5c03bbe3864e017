"""What the path of an archive's member says of it: its month, its number in the month, and whose rides it has.

Paths are those in the archive, with the archives in it as folders. CitiBike names its files in many ways (`citbike`,
`.csv_1.csv`, `4_April/`), so that only what is common to all of them is looked at.
"""

from __future__ import annotations

import calendar
import re
from pathlib import PurePosixPath

_MONTH = re.compile(r"(20\d\d)-?(0[1-9]|1[0-2])(?!\d)")
_MONTHS_FOLDER = re.compile(r"(0?[1-9]|1[0-2])[ _-]([a-z]+)", re.IGNORECASE)
# Of a file, or of an archive that has one part.
_NUMBER = re.compile(r"_(\d{1,3})(\.csv)?(\.zip)?$", re.IGNORECASE)
_WORDS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}


def path_of(name: str) -> PurePosixPath:
    """A member's path; some archives are packed with Windows' separators."""
    return PurePosixPath(name.replace("\\", "/"))


def month_of(name: str, year: str | None = None) -> str | None:
    """The month that a path bears, the file's own name before its folders'.

    Args:
        name: The path.
        year: Of the archive, where that is a year's: a folder may then be `4_April`.
    """
    for text in reversed(path_of(name).parts):
        found = _MONTH.search(text)
        if found:
            return f"{found[1]}-{found[2]}"
        folder = _MONTHS_FOLDER.fullmatch(text) if year else None
        if folder and _WORDS.get(folder[2].lower()) == int(folder[1]):
            return f"{year}-{int(folder[1]):02}"
    return None


def number_of(name: str) -> int | None:
    """Which part of its month a member is: by its own name, or else by that of the archive that it is alone in.

    The macro archive_part_number has the same in SQL.
    """
    parts = path_of(name).parts
    for text in reversed(parts):
        found = _NUMBER.search(text) if text == parts[-1] or text.lower().endswith(".zip") else None
        if found:
            return int(found[1])
    return None


def unit_of(name: str) -> str:
    """What a member is of its month: a part's number, the empty text for all of it, or a name that does not say."""
    number, file = number_of(name), path_of(name).name.lower()
    return str(number) if number is not None else "" if month_of(file) else file


def is_jersey_city(name: str) -> bool:
    """Whether a member's rides are Jersey City's, as its name, or that of what it is in, says."""
    return any(text.upper().startswith("JC-") for text in path_of(name).parts)
