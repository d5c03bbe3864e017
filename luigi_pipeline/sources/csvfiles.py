"""Converting a published CSV file to one form, and counting its rows, before an engine reads it."""

from __future__ import annotations

import codecs
import csv
from pathlib import Path
from typing import IO

from luigi_pipeline.core.errors import Rejected

_CHUNK = 1 << 20


def normalise(stream: IO[bytes], target: Path, name: str) -> tuple[list[str], int]:
    """Copy a CSV file with LF as the only line end, and count its rows.

    Publishers mix CRLF and LF, sometimes in one file. A strict parser would take that for damage.

    Args:
        stream: The published bytes.
        target: Where the copy goes.
        name: The file's name, for errors.

    Returns:
        The names in the header, and the number of rows: lines that are not empty, without the header.

    Raises:
        Rejected: The file has NUL bytes, bytes that are not UTF-8, or no header.
    """
    lines = 0
    text = _Text(name)
    last = b"\n"  # so that an empty first line is counted as empty
    carried = b""
    with target.open("wb") as file:
        while chunk := stream.read(_CHUNK):
            chunk = carried + chunk
            # A CR at the end of a chunk may be half of a CRLF.
            carried = b"\r" if chunk.endswith(b"\r") else b""
            chunk = chunk.removesuffix(b"\r").replace(b"\r\n", b"\n")
            if b"\0" in chunk:
                raise Rejected(f"{name}: has NUL bytes, so it is not a CSV file")
            text.check(chunk)
            lines += chunk.count(b"\n") - _empty_lines(last + chunk)
            last = chunk[-1:] or last
            file.write(chunk)
        text.check(b"", final=True)
        if last != b"\n":
            file.write(b"\n")
            lines += 1
    return _header(target, name), max(0, lines - 1)


class _Text:
    """Checks that a file is UTF-8. Bytes of another encoding would silently become other letters, or none."""

    def __init__(self, name: str) -> None:
        self._name, self._line = name, 1
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def check(self, chunk: bytes, *, final: bool = False) -> None:
        """Check the next bytes.

        Raises:
            Rejected: They are not UTF-8.
        """
        try:
            self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            line = self._line + error.object.count(b"\n", 0, error.start)
            wrong = error.object[error.start : error.end]
            raise Rejected(f"{self._name}: line {line:,} is not UTF-8, at {wrong!r}; is it Latin-1?") from error
        self._line += chunk.count(b"\n")


def _empty_lines(text: bytes) -> int:
    """Count empty lines: a line end right after a line end. Three in a row are two empty lines, so matches overlap."""
    count, at = 0, text.find(b"\n\n")
    while at >= 0:
        count += 1
        at = text.find(b"\n\n", at + 1)
    return count


def _header(path: Path, name: str) -> list[str]:
    with path.open("rb") as file:
        line = file.readline(_CHUNK)
    try:
        header = next(csv.reader([line.decode("utf-8-sig").rstrip("\n")], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise Rejected(f"{name}: its header is not CSV ({error})") from error
    if not any(header):
        raise Rejected(f"{name}: has no header")
    return header
