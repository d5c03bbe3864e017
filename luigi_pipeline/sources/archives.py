"""Reading zip archives that come from elsewhere: what may be unpacked, and how much."""

from __future__ import annotations

import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from luigi_pipeline.errors import Rejected
from luigi_pipeline.markers import digest
from luigi_pipeline.settings import Download

_MAX_DEPTH = 3
_ENCRYPTED = 0x1
_PART = re.compile(r"_\d+\.csv$", re.IGNORECASE)
_MONTH_IN_NAME = re.compile(r"(20\d\d)-?(0[1-9]|1[0-2])(?!\d)")


@dataclass(frozen=True)
class Member:
    """A CSV file in an archive, or in an archive in it.

    Attributes:
        archive: The innermost archive.
        entry: The file's entry there.
        name: Path from the outermost archive, its own name first.
    """

    archive: Path
    entry: zipfile.ZipInfo
    name: str

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the member's bytes; damage shows while reading.

        Raises:
            Rejected: The archive is damaged there.
        """
        with reading(self.name), zipfile.ZipFile(self.archive) as archive, archive.open(self.entry) as stream:
            yield stream


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what goes wrong while a zip is read into a rejection of the file by that name."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Rejected(f"{name}: is a damaged zip archive ({error})") from error


def csv_members(path: Path, scratch: Path, limits: Download, month: str | None = None) -> list[Member]:
    """List the CSV files of an archive, those of nested archives included.

    Args:
        path: The archive.
        scratch: Where nested archives are unpacked to.
        limits: Caps on what an archive may unpack to.
        month: Take only members whose name bears this month, as in a yearly archive.

    Returns:
        The members, by name. macOS's resource forks, which end in .csv too, are not among them.

    Raises:
        Rejected: The archive is damaged, encrypted, too large, too deep, or has names that leave its folder.
    """
    members = _members(path, path.name, scratch, limits, month, depth=1)
    return sorted(members, key=lambda member: member.name)


def check(path: Path, limits: Download) -> None:
    """Check an archive from its directory alone: what is in nested archives shows when they are unpacked.

    Raises:
        Rejected: It is damaged, encrypted, too large, has names that leave its folder, or holds nothing.
    """
    with reading(path.name), zipfile.ZipFile(path) as archive:
        if not any(entry.filename.lower().endswith((".csv", ".zip")) for entry in _checked(archive, path.name, limits)):
            raise Rejected(f"{path.name}: holds no CSV file")


def has_month(path: Path, month: str) -> bool:
    """Whether a yearly archive has files of the month."""
    with reading(path.name), zipfile.ZipFile(path) as archive:
        return any(_month_of(entry.filename) == month for entry in archive.infolist() if _wanted(entry.filename))


def _members(path: Path, name: str, scratch: Path, limits: Download, month: str | None, depth: int) -> list[Member]:
    if depth > _MAX_DEPTH:
        raise Rejected(f"{name}: archives are nested more than {_MAX_DEPTH} deep")
    found: list[Member] = []
    with reading(name), zipfile.ZipFile(path) as archive:
        for entry in _checked(archive, name, limits):
            inner = f"{name}/{entry.filename}"
            if month and _month_of(entry.filename) != month:
                continue
            if entry.filename.lower().endswith(".zip"):
                unpacked = scratch / f"{digest(inner)}.zip"  # two folders may each hold an archive of one name
                with archive.open(entry) as source, unpacked.open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                found += _members(unpacked, inner, scratch, limits, None, depth + 1)
            elif entry.filename.lower().endswith(".csv"):
                found.append(Member(path, entry, inner))
    return found


def _checked(archive: zipfile.ZipFile, name: str, limits: Download) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    for entry in entries:
        parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
        if entry.filename.startswith(("/", "\\")) or ".." in parts or (parts and ":" in parts[0]):
            raise Rejected(f"{name}: the member {entry.filename!r} would leave the folder")
        if entry.flag_bits & _ENCRYPTED:
            raise Rejected(f"{name}: the member {entry.filename!r} is encrypted")
    unpacked, packed = sum(e.file_size for e in entries), sum(e.compress_size for e in entries)
    if unpacked > limits.max_archive_bytes:
        raise Rejected(f"{name}: would unpack to {unpacked:,} bytes, over download.max_archive_bytes")
    if unpacked > limits.max_archive_ratio * max(packed, 1):
        raise Rejected(
            f"{name}: would unpack to {unpacked // max(packed, 1)} times its size, over download.max_archive_ratio"
        )
    _check_parts(entries, name)
    return [entry for entry in entries if _wanted(entry.filename)]


def _check_parts(entries: list[zipfile.ZipInfo], name: str) -> None:
    """See that no numbered part was taken out: macOS leaves a fork of each file that it packs."""
    there = {PurePosixPath(entry.filename).name for entry in entries if _wanted(entry.filename)}
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if "__MACOSX" in path.parts and _PART.search(path.name) and path.name.removeprefix("._") not in there:
            raise Rejected(f"{name}: has lost {path.name.removeprefix('._')}; what macOS packs beside it is there")


def _wanted(name: str) -> bool:
    path = PurePosixPath(name)
    return not name.endswith("/") and "__MACOSX" not in path.parts and not path.name.startswith("._")


def _month_of(name: str) -> str | None:
    """The month that a path bears, the file's own name before its folders'."""
    for text in reversed(PurePosixPath(name).parts):
        found = _MONTH_IN_NAME.search(text)
        if found:
            return f"{found[1]}-{found[2]}"
    return None
