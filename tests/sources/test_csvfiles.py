"""CSV files are brought into one form, and their rows counted, however their bytes arrive."""

import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from luigi_pipeline.core.errors import Rejected
from luigi_pipeline.sources.csvfiles import normalise


class Dripping(io.RawIOBase):
    """A stream that gives a few bytes at a time, as a socket may."""

    def __init__(self, content: bytes, piece: int) -> None:
        self._content, self._piece, self._at = content, piece, 0

    def read(self, size: int = -1) -> bytes:
        given = self._content[self._at : self._at + self._piece]
        self._at += len(given)
        return given


def normal(content: bytes, folder: Path, piece: int = 1 << 20) -> tuple[list[str], int, bytes]:
    target = folder / "normal.csv"
    header, rows = normalise(Dripping(content, piece), target, "a.zip/a.csv")  # type: ignore[arg-type]
    return header, rows, target.read_bytes()


def expected(content: bytes) -> tuple[int, bytes]:
    """The same, done simply: rows, and the text."""
    text = content.removesuffix(b"\r").replace(b"\r\n", b"\n")
    if not text.endswith(b"\n"):
        text += b"\n"
    lines = [line for line in text.split(b"\n") if line]
    return len(lines) - 1, text


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"a,b\n1,2\n3,4\n", 2),
        (b"a,b\r\n1,2\r\n3,4\r\n", 2),
        (b"a,b\r\n1,2\n3,4\r\n", 2),
        (b"a,b\r\n1,2\r\n3,4\n", 2),
        (b"a,b\n1,2\n3,4", 2),
        (b"a,b\r\n1,2\r\n3,4", 2),
        (b"a,b\r\n1,2\r\n3,4\r", 2),
        (b"a,b\n\n1,2\n\r\n\n3,4\n\n\n", 2),
        (b"a,b\n", 0),
        (b"a,b", 0),
        (b"a,b\r\n", 0),
    ],
)
def test_rows_are_counted_whatever_the_line_ends(tmp_path: Path, content: bytes, rows: int) -> None:
    header, counted, text = normal(content, tmp_path)
    assert header == ["a", "b"]
    assert counted == rows
    assert b"\r" not in text
    assert text.endswith(b"\n")
    assert [line for line in text.split(b"\n") if line] == content.split()


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    header, rows, _ = normal(b'\xef\xbb\xbf"ride_id",b\n1,2\n', tmp_path)
    assert (header, rows) == (["ride_id", "b"], 1)


def test_quoted_names_may_hold_commas(tmp_path: Path) -> None:
    assert normal(b'"start station id","a, b",c\r\n1,2,3\r\n', tmp_path)[0] == ["start station id", "a, b", "c"]


@pytest.mark.parametrize("content", [b"a,b\n1,\x002\n", b"\x00\x05\x16\x07\x00\x02\n", b"a\x00,b\n", b"a,b\n1,2\n\x00"])
def test_nul_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    for piece in (1, 3, 1 << 20):
        with pytest.raises(Rejected, match=r"a\.zip/a\.csv: has NUL bytes"):
            normal(content, tmp_path, piece)


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n", b"\n\na,b\n1,2\n", b"\r"])
def test_a_file_without_a_header_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Rejected, match=r"a\.zip/a\.csv: has no header"):
        normal(content, tmp_path)


@pytest.mark.parametrize("content", [b'"a,b\n1,2\n', b'"a"x,b\n1,2\n'])
def test_a_header_that_is_not_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Rejected, match=r"a\.zip/a\.csv: its header is not CSV"):
        normal(content, tmp_path)


@pytest.mark.parametrize(
    ("content", "line", "wrong"),
    [
        (b"caf\xe9,b\n1,2\n", 1, r"b'\\xe9'"),
        (b"a,b\n\n1,2\r\nCaf\xe9,2\n", 4, r"b'\\xe9'"),
        (b"a,b\n" + b"1,2\n" * 5 + b"x\xe2\x82\n", 7, r"b'\\xe2\\x82'"),
        (b"a,b\n1,2\n3,\xe2\x82", 3, r"b'\\xe2\\x82'"),
        (b"a,b\n1,\xed\xa0\x80\n", 2, r"b'\\xed'"),
    ],
)
@pytest.mark.parametrize("piece", [1, 2, 7, 1 << 20])
def test_bytes_that_are_not_utf_8_are_refused_by_their_line(
    tmp_path: Path, content: bytes, line: int, wrong: str, piece: int
) -> None:
    with pytest.raises(Rejected, match=rf"a\.zip/a\.csv: line {line} is not UTF-8, at {wrong}; is it Latin-1\?"):
        normal(content, tmp_path, piece)


def test_letters_of_any_alphabet_arrive_as_they_are_however_they_are_cut(tmp_path: Path) -> None:
    content = "a,b\nCafé €,🚲\nŁódź,東京\n".encode()
    for piece in range(1, 9):
        assert normal(content, tmp_path, piece) == (["a", "b"], 2, content)


_BODIES = st.lists(st.sampled_from([b"1,2", b"x", b"\n", b"\r\n", b"\r", b"\n\n", b""]), max_size=40).map(b"".join)


@given(body=_BODIES, piece=st.integers(min_value=1, max_value=9))
@example(body=b"1\r\n\r\n2", piece=5)
@example(body=b"1\r\n2\r", piece=1)
@example(body=b"1\n\r", piece=2)
def test_the_result_does_not_depend_on_how_the_bytes_arrive(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, piece: int
) -> None:
    content = b"a,b\n" + body
    header, rows, text = normal(content, tmp_path_factory.getbasetemp(), piece)
    assert header == ["a", "b"]
    assert (rows, text) == expected(content)


def test_a_line_end_on_the_boundary_of_two_pieces_counts_once(tmp_path: Path) -> None:
    """The real size of a piece: a CRLF across it, and one right after it."""
    for length in range((1 << 20) - 8, (1 << 20) + 2):
        content = b"a,b\r\n" + b"1" * (length - 5) + b"\r\n3,4\r\n\r\n5,6"
        header, rows = normalise(io.BytesIO(content), tmp_path / "out.csv", "a.csv")
        assert (header, rows) == (["a", "b"], 3)
        assert (tmp_path / "out.csv").read_bytes() == content.replace(b"\r\n", b"\n") + b"\n"
