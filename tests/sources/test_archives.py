"""Zip archives from elsewhere: only their CSV files, only if they are whole, and never more than is allowed."""

import io
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from luigi_pipeline.errors import Rejected
from luigi_pipeline.settings import Download
from luigi_pipeline.sources.archives import Member, check, csv_members, has_month

LIMITS = Download()
CSV = b"a,b\n1,2\n"


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def content(member: Member) -> bytes:
    with member.open() as stream:
        return stream.read()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Where a test writes its archive."""
    return tmp_path / "202409-citibike-tripdata.zip"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where nested archives are unpacked."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def names(members: list[Member]) -> list[str]:
    return [member.name.removeprefix("202409-citibike-tripdata.zip/") for member in members]


def test_members_are_named_for_their_archive_and_come_in_order(archive: Path, scratch: Path) -> None:
    archive.write_bytes(zipped({"b_2.csv": CSV, "deep/a.CSV": b"x\n", "b_1.csv": b"y\n", "readme.txt": b"z"}))
    members = csv_members(archive, scratch, LIMITS)
    assert [member.name for member in members] == [
        "202409-citibike-tripdata.zip/b_1.csv",
        "202409-citibike-tripdata.zip/b_2.csv",
        "202409-citibike-tripdata.zip/deep/a.CSV",
    ]
    assert [content(member) for member in members] == [b"y\n", CSV, b"x\n"]


def test_what_macos_leaves_is_no_member(archive: Path, scratch: Path) -> None:
    apple = b"\x00\x05\x16\x07" + bytes(400)
    files = {"a.csv": CSV, "__MACOSX/._a.csv": apple, "x/__MACOSX/b.csv": apple, "x/._c.csv": apple, "._d.zip": apple}
    archive.write_bytes(zipped(files))
    check(archive, LIMITS)
    assert names(csv_members(archive, scratch, LIMITS)) == ["a.csv"]


def test_archives_in_archives_are_read_three_deep(archive: Path, scratch: Path) -> None:
    third = zipped({"c.csv": b"three\n"})
    second = zipped({"third.zip": third, "b.csv": b"two\n"})
    archive.write_bytes(zipped({"year/second.zip": second, "a.csv": b"one\n"}))
    members = csv_members(archive, scratch, LIMITS)
    assert names(members) == ["a.csv", "year/second.zip/b.csv", "year/second.zip/third.zip/c.csv"]
    assert [content(member) for member in members] == [b"one\n", b"two\n", b"three\n"]


def test_archives_nested_deeper_are_refused(archive: Path, scratch: Path) -> None:
    inner = zipped({"d.csv": CSV})
    for name in ("three.zip", "two.zip", "one.zip"):
        inner = zipped({name: inner})
    archive.write_bytes(inner)
    with pytest.raises(Rejected, match=r"one\.zip/two\.zip/three\.zip: archives are nested more than 3 deep"):
        csv_members(archive, scratch, LIMITS)


def test_inner_archives_of_one_name_do_not_mix(archive: Path, scratch: Path) -> None:
    """Each half of a year may hold an archive, and a file in it, by the same names."""
    first, second = (zipped({"rides.zip": zipped({"rides.csv": text})}) for text in (b"first\n", b"other\n"))
    archive.write_bytes(zipped({"first/half.zip": first, "second/half.zip": second}))
    members = csv_members(archive, scratch, LIMITS)
    assert names(members) == ["first/half.zip/rides.zip/rides.csv", "second/half.zip/rides.zip/rides.csv"]
    assert [content(member) for member in members] == [b"first\n", b"other\n"]


@pytest.mark.parametrize(
    "name",
    ["../a.csv", "x/../../a.csv", "/etc/a.csv", "\\a.csv", "..\\a.csv", "x\\..\\..\\a.csv", "C:/a.csv", "C:\\a.csv"],
)
def test_a_name_that_leaves_the_folder_is_refused(archive: Path, scratch: Path, name: str) -> None:
    archive.write_bytes(zipped({"good.csv": CSV, name: CSV}))
    with pytest.raises(Rejected, match="would leave the folder"):
        check(archive, LIMITS)
    with pytest.raises(Rejected, match="would leave the folder"):
        csv_members(archive, scratch, LIMITS)
    assert list(scratch.iterdir()) == []


def test_a_name_that_leaves_the_folder_is_refused_in_an_inner_archive_too(archive: Path, scratch: Path) -> None:
    archive.write_bytes(zipped({"inner.zip": zipped({"../../a.csv": CSV})}))
    with pytest.raises(Rejected, match=r"inner\.zip: the member '\.\./\.\./a\.csv' would leave the folder"):
        csv_members(archive, scratch, LIMITS)


def test_an_encrypted_member_is_refused(archive: Path) -> None:
    raw = bytearray(zipped({"a.csv": CSV}))
    raw[6] |= 1
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(raw)
    with pytest.raises(Rejected, match=r"'a\.csv' is encrypted"):
        check(archive, LIMITS)


def test_a_bomb_is_refused_by_its_ratio_before_it_is_unpacked(archive: Path, scratch: Path) -> None:
    archive.write_bytes(zipped({"a.csv": b"0" * 5_000_000}))
    with pytest.raises(Rejected, match=r"times its size, over download\.max_archive_ratio"):
        check(archive, LIMITS)
    archive.write_bytes(zipped({"inner.zip": archive.read_bytes()}))
    check(archive, LIMITS)
    with pytest.raises(Rejected, match=r"inner\.zip: would unpack to \d+ times its size"):
        csv_members(archive, scratch, LIMITS)


def test_an_archive_is_refused_by_its_size_before_it_is_unpacked(archive: Path) -> None:
    archive.write_bytes(zipped({"a.csv": CSV * 10, "b.csv": CSV * 10}))
    check(archive, Download(max_archive_bytes=160))
    with pytest.raises(Rejected, match=r"would unpack to 160 bytes, over download\.max_archive_bytes"):
        check(archive, Download(max_archive_bytes=159))


def test_a_member_that_is_larger_than_it_says_is_refused(archive: Path, scratch: Path) -> None:
    raw = bytearray(zipped({"a.csv": b"1,2\n" * 1000}))
    struct.pack_into("<I", raw, raw.rindex(b"PK\x01\x02") + 24, 40)
    archive.write_bytes(raw)
    with pytest.raises(Rejected, match=r"a\.csv: is a damaged zip archive"):
        [content(member) for member in csv_members(archive, scratch, LIMITS)]


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9, 0.999])
def test_an_archive_that_is_cut_off_is_refused(archive: Path, share: float) -> None:
    raw = zipped({f"{number}.csv": bytes(range(256)) * 20 for number in range(5)})
    archive.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(Rejected, match=r"202409-citibike-tripdata\.zip: is a damaged zip archive"):
        check(archive, LIMITS)


def test_a_damaged_byte_is_found_while_reading(archive: Path, scratch: Path) -> None:
    raw = bytearray(zipped({"a.csv": b"1,2\n" * 1000}, zipfile.ZIP_STORED))
    raw[2000] ^= 1
    archive.write_bytes(raw)
    (member,) = csv_members(archive, scratch, LIMITS)
    with pytest.raises(Rejected, match=r"a\.csv: is a damaged zip archive \(Bad CRC-32"):
        content(member)


@pytest.mark.parametrize(
    "files",
    [{}, {"__MACOSX/._a.csv": CSV, "__MACOSX/b.csv": CSV}, {"readme.txt": b"hello"}, {"a.csv/": b""}],
    ids=["empty", "only macOS", "no CSV", "only a folder"],
)
def test_an_archive_without_csv_files_is_refused(archive: Path, files: dict[str, bytes]) -> None:
    archive.write_bytes(zipped(files))
    with pytest.raises(Rejected, match="holds no CSV file"):
        check(archive, LIMITS)


@pytest.mark.parametrize("body", [b"", b"<!DOCTYPE html><html></html>", b"a,b\n1,2\n", b"PK\x03\x04"])
def test_what_is_no_archive_is_refused(archive: Path, body: bytes) -> None:
    archive.write_bytes(body)
    with pytest.raises(Rejected, match="is a damaged zip archive"):
        check(archive, LIMITS)


YEARLY = {
    "2020-citibike-tripdata/202001-citibike-tripdata.zip": zipped({"202001-citibike-tripdata_1.csv": b"jan\n"}),
    "2020-citibike-tripdata/202002-citibike-tripdata.zip": zipped({"any name.csv": b"feb\n"}),
    "2020-citibike-tripdata/3_March/202003-citibike-tripdata_1.csv": b"mar 1\n",
    "2020-citibike-tripdata/3_March/202003-citibike-tripdata_2.csv": b"mar 2\n",
    "2020-citibike-tripdata/2020-04/rides.csv": b"apr\n",
    "2020-citibike-tripdata/20200501-rides.csv": b"not a month's name\n",
    "__MACOSX/2020-citibike-tripdata/._202006-citibike-tripdata.csv": b"apple\n",
}


@pytest.mark.parametrize(
    ("month", "texts"),
    [("2020-01", [b"jan\n"]), ("2020-02", [b"feb\n"]), ("2020-03", [b"mar 1\n", b"mar 2\n"]), ("2020-04", [b"apr\n"])],
)
def test_a_month_is_taken_out_of_a_yearly_archive(archive: Path, scratch: Path, month: str, texts: list[bytes]) -> None:
    archive.write_bytes(zipped(YEARLY))
    assert has_month(archive, month)
    members = csv_members(archive, scratch, LIMITS, month)
    assert [content(member) for member in members] == texts


@pytest.mark.parametrize("month", ["2020-05", "2020-06", "2020-12", "2021-01"])
def test_a_month_that_a_yearly_archive_has_not_is_not_taken(archive: Path, scratch: Path, month: str) -> None:
    archive.write_bytes(zipped(YEARLY))
    assert not has_month(archive, month)
    assert csv_members(archive, scratch, LIMITS, month) == []


def test_two_members_of_one_name_are_both_listed(archive: Path, scratch: Path) -> None:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as writer:
        warnings.simplefilter("ignore")
        writer.writestr("a.csv", b"one\n")
        writer.writestr("a.csv", b"two\n")
    archive.write_bytes(buffer.getvalue())
    assert [content(member) for member in csv_members(archive, scratch, LIMITS)] == [b"one\n", b"two\n"]
