"""Reading zip archives from other parties, with limits on what they may unpack to."""

from __future__ import annotations

import errno
import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from luigi_pipeline.config.settings import Download
from luigi_pipeline.core.digests import digest
from luigi_pipeline.core.errors import Rejected
from luigi_pipeline.core.months import Month
from luigi_pipeline.sources.membernames import month_of, number_of, path_of

_MAX_DEPTH = 3
_ENCRYPTED = 0x1
_LONGEST_NAME = 500
# The methods that CitiBike uses. Others notice damage later, and LZMA may need gigabytes before it does.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    ValueError,
)


@dataclass(frozen=True)
class Member:
    """A CSV file in an archive, or in an archive inside it.

    Attributes:
        archive: The innermost archive.
        entry: The file's entry in that archive.
        name: The path from the outermost archive, which comes first.
    """

    archive: Path
    entry: zipfile.ZipInfo
    name: str

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the member. Damage shows while its bytes are read.

        Raises:
            Rejected: The archive is damaged there.
        """
        with reading(self.name), zipfile.ZipFile(self.archive) as archive, archive.open(self.entry) as stream:
            yield stream


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn errors while a zip is read into a rejection of the named file."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL is a seek before the file's beginning; other errors are the machine's
            raise
        raise Rejected(f"{name}: is a damaged zip archive ({error})") from error
    except _DAMAGE as error:
        raise Rejected(f"{name}: is a damaged zip archive ({error})") from error


class _Allowance:
    """What may still be unpacked from an archive and the archives inside it."""

    def __init__(self, path: Path, limits: Download) -> None:
        self._limits, self._packed = limits, max(path.stat().st_size, 1)
        self._unpacked = self._members = 0

    def take(self, entries: list[zipfile.ZipInfo], name: str) -> None:
        """Count the members of an archive by its directory. No more than that can be unpacked.

        Raises:
            Rejected: The archive exceeds a limit.
        """
        self._members += len(entries)
        self._unpacked += sum(entry.file_size for entry in entries)
        times = self._unpacked // self._packed
        if self._members > self._limits.max_archive_members:
            raise Rejected(f"{name}: has {self._members:,} members, over download.max_archive_members")
        if self._unpacked > self._limits.max_archive_bytes:
            raise Rejected(f"{name}: would unpack to {self._unpacked:,} bytes, over download.max_archive_bytes")
        if self._unpacked > self._limits.max_archive_ratio * self._packed:
            raise Rejected(f"{name}: would unpack to {times:,} times its size, over download.max_archive_ratio")


def csv_members(path: Path, scratch: Path, limits: Download, month: Month | None = None) -> list[Member]:
    """List the CSV files of an archive, with those of nested archives.

    Args:
        path: The archive.
        scratch: Where nested archives are unpacked.
        limits: Limits on what an archive may unpack to.
        month: List only members with this month in their name, as for a yearly archive.

    Returns:
        The members, by name. macOS's resource forks, whose names also end in .csv, are left out.

    Raises:
        Rejected: The archive is damaged, encrypted, too large or too deep, or has names that lead out of its folder.
    """
    allowance = _Allowance(path, limits)
    members = _members(path, path.name, scratch, allowance, month, depth=1)
    return sorted(members, key=lambda member: member.name)


def check(path: Path, limits: Download) -> None:
    """Check an archive by its directory alone. Nested archives are checked when they are unpacked.

    Raises:
        Rejected: It is damaged, encrypted or too large, has names that lead out of its folder, or holds nothing.
    """
    with _opened(path, path.name) as archive:
        entries = _checked(archive, path.name, _Allowance(path, limits))
    if not any(entry.filename.lower().endswith((".csv", ".zip")) for entry in entries):
        raise Rejected(f"{path.name}: holds no CSV file")


def has_month(path: Path, month: Month) -> bool:
    """Whether a yearly archive has files of the month, or nested archives whose names have no month."""
    with _opened(path, path.name) as archive:
        return any(_may_have(entry.filename, month) for entry in archive.infolist() if _wanted(entry.filename))


@contextmanager
def _opened(path: Path, name: str) -> Iterator[zipfile.ZipFile]:
    with path.open("rb") as file:
        head = file.read(4)
    if not head.startswith(b"PK"):
        raise Rejected(f"{name}: is not a zip archive; it {f'begins with {head!r}' if head else 'is empty'}")
    with reading(name), zipfile.ZipFile(path) as archive:
        yield archive


def _members(
    path: Path, name: str, scratch: Path, allowance: _Allowance, month: Month | None, depth: int
) -> list[Member]:
    if depth > _MAX_DEPTH:
        raise Rejected(f"{name}: archives are nested more than {_MAX_DEPTH} deep")
    members: list[Member] = []
    with _opened(path, name) as archive:
        for entry in _checked(archive, name, allowance):
            inner = f"{name}/{entry.filename}"
            if month and not _may_have(entry.filename, month):
                continue
            if entry.filename.lower().endswith(".zip"):
                inside = month if month and month_of(entry.filename, month.year) is None else None
                unpacked = scratch / f"{digest(inner)}.zip"  # two folders may hold archives of the same name
                with archive.open(entry) as source, unpacked.open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                members += _members(unpacked, inner, scratch, allowance, inside, depth + 1)
            elif entry.filename.lower().endswith(".csv"):
                members.append(Member(path, entry, inner))
    return members


def _checked(archive: zipfile.ZipFile, name: str, allowance: _Allowance) -> list[zipfile.ZipInfo]:
    """The entries that may be CSV files or archives, after all entries were found harmless."""
    entries = archive.infolist()
    allowance.take(entries, name)
    for entry in entries:
        fault = _fault(entry)
        if fault:
            raise Rejected(f"{name}: the member {entry.filename[:_LONGEST_NAME]!r} {fault}")
    wanted = [entry for entry in entries if _wanted(entry.filename)]
    for filename, times in Counter(entry.filename for entry in wanted).items():
        if times > 1:
            raise Rejected(f"{name}: the member {filename!r} is there {times} times")
    _check_parts(entries, name)
    return wanted


def _fault(entry: zipfile.ZipInfo) -> str | None:
    """Why an entry must not be unpacked; None if it may be."""
    # The name in the directory, because zipfile cuts a name at a NUL byte.
    path = path_of(entry.orig_filename)
    faults = {
        "would leave the folder": path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0],
        "has control characters in its name": not entry.orig_filename.isprintable(),
        "has a name that is too long": len(entry.filename) > _LONGEST_NAME,
        "is encrypted": bool(entry.flag_bits & _ENCRYPTED),
        "is a link": stat.S_ISLNK(entry.external_attr >> 16),
        f"is packed by method {entry.compress_type}, which is not read": entry.compress_type not in _METHODS,
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)


def _check_parts(entries: list[zipfile.ZipInfo], name: str) -> None:
    """Check that no numbered part was removed. macOS packs a resource fork beside each file, and that is left over."""
    there = {path_of(entry.filename).name for entry in entries if _wanted(entry.filename)}
    for entry in entries:
        path = path_of(entry.filename)
        is_part = number_of(path.name) is not None and path.name.lower().endswith((".csv", ".zip"))
        if "__MACOSX" in path.parts and is_part and path.name.removeprefix("._") not in there:
            raise Rejected(f"{name}: has lost {path.name.removeprefix('._')}; what macOS packs beside it is there")


def _wanted(name: str) -> bool:
    path = path_of(name)
    return not name.endswith(("/", "\\")) and "__MACOSX" not in path.parts and not path.name.startswith("._")


def _may_have(name: str, month: Month) -> bool:
    """Whether a file or archive in a yearly archive may have rides of the month, by its path."""
    named = month_of(name, month.year)
    return named == month or (named is None and name.lower().endswith(".zip"))
