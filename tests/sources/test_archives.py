"""Zip archives from elsewhere: only their CSV files, only if they are whole, and never more than is allowed."""

import gzip
import io
import random
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from luigi_pipeline.config.settings import Download
from luigi_pipeline.core.errors import Rejected
from luigi_pipeline.core.months import Month
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
    with pytest.raises(Rejected, match=r"inner\.zip: would unpack to [\d,]+ times its size"):
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


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.999])
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


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "is not a zip archive; it is empty"),
        (b"<!DOCTYPE html><html></html>", "is not a zip archive; it begins with b'<!DO'"),
        (b"a,b\n1,2\n", "is not a zip archive; it begins with b'a,b"),
        (gzip.compress(CSV, mtime=0), r"is not a zip archive; it begins with b'\\x1f\\x8b"),
        (b"PK\x03\x04", "is a damaged zip archive"),
    ],
)
def test_what_is_no_archive_is_refused(archive: Path, body: bytes, told: str) -> None:
    archive.write_bytes(body)
    with pytest.raises(Rejected, match=told):
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
    assert has_month(archive, Month(month))
    members = csv_members(archive, scratch, LIMITS, Month(month))
    assert [content(member) for member in members] == texts


@pytest.mark.parametrize("month", ["2020-05", "2020-06", "2020-12", "2021-01"])
def test_a_month_that_a_yearly_archive_has_not_is_not_taken(archive: Path, scratch: Path, month: str) -> None:
    archive.write_bytes(zipped(YEARLY))
    assert not has_month(archive, Month(month))
    assert csv_members(archive, scratch, LIMITS, Month(month)) == []


def test_two_members_of_one_name_are_refused(archive: Path) -> None:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as writer:
        warnings.simplefilter("ignore")
        writer.writestr("a.csv", b"one\n")
        writer.writestr("a.csv", b"two\n")
    archive.write_bytes(buffer.getvalue())
    with pytest.raises(Rejected, match=r"the member 'a\.csv' is there 2 times"):
        check(archive, LIMITS)


def test_two_resource_forks_of_one_name_are_of_no_interest(archive: Path) -> None:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as writer:
        warnings.simplefilter("ignore")
        for name in ("a.csv", "__MACOSX/._a.csv", "__MACOSX/._a.csv"):
            writer.writestr(name, CSV)
    archive.write_bytes(buffer.getvalue())
    check(archive, LIMITS)


def test_what_archives_in_archives_unpack_to_is_added_up(archive: Path, scratch: Path) -> None:
    """Each inner archive alone is within the limits."""
    inner = zipped({"a.csv": CSV * 100})
    archive.write_bytes(zipped({f"{number}.zip": inner for number in range(10)}, zipfile.ZIP_STORED))
    total = 10 * (len(inner) + len(CSV * 100))
    assert len(csv_members(archive, scratch, Download(max_archive_bytes=total))) == 10
    with pytest.raises(Rejected, match=rf"9\.zip: would unpack to {total:,} bytes, over download\.max_archive_bytes"):
        csv_members(archive, scratch, Download(max_archive_bytes=total - 1))
    ratio = total / archive.stat().st_size
    assert len(csv_members(archive, scratch, Download(max_archive_ratio=ratio + 0.01))) == 10
    with pytest.raises(Rejected, match=r"9\.zip: would unpack to [\d,]+ times its size"):
        csv_members(archive, scratch, Download(max_archive_ratio=ratio - 0.01))
    assert len(csv_members(archive, scratch, Download(max_archive_members=20))) == 10
    with pytest.raises(Rejected, match=r"9\.zip: has 20 members, over download\.max_archive_members"):
        csv_members(archive, scratch, Download(max_archive_members=19))


def test_the_ratio_is_to_the_archive_s_own_size_and_not_to_what_its_directory_tells(archive: Path) -> None:
    raw = bytearray(zipped({"a.csv": b"0" * 5_000_000}))
    struct.pack_into("<I", raw, raw.rindex(b"PK\x01\x02") + 20, 5_000_000)
    archive.write_bytes(raw)
    with pytest.raises(Rejected, match=r"would unpack to [\d,]+ times its size, over download\.max_archive_ratio"):
        check(archive, LIMITS)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a\nb.csv", "has control characters in its name"),
        ("a\x1b[2J.csv", "has control characters in its name"),
        ("a\u202egnp.csv", "has control characters in its name"),
        ("a" * 600 + ".csv", "has a name that is too long"),
    ],
)
def test_a_name_that_can_not_be_shown_is_refused_in_one_line(archive: Path, name: str, told: str) -> None:
    archive.write_bytes(zipped({"good.csv": CSV, name: CSV}))
    with pytest.raises(Rejected, match=told) as caught:
        check(archive, LIMITS)
    assert str(caught.value).isprintable()


def test_a_nul_byte_does_not_hide_the_end_of_a_name(archive: Path) -> None:
    archive.write_bytes(zipped({"a.csv-/../b": CSV}).replace(b"a.csv-/../b", b"a.csv\0/../b"))
    with pytest.raises(Rejected, match="would leave the folder"):
        check(archive, LIMITS)


def test_windows_separators_are_separators(archive: Path, scratch: Path) -> None:
    archive.write_bytes(zipped({"2024\\a.csv": CSV, "__MACOSX\\._a.csv": CSV, "2024\\._a.csv": CSV}))
    assert names(csv_members(archive, scratch, LIMITS)) == ["2024\\a.csv"]


def test_a_link_is_refused(archive: Path) -> None:
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as writer:
        writer.writestr(link, "/etc/passwd")
    archive.write_bytes(buffer.getvalue())
    with pytest.raises(Rejected, match=r"'a\.csv' is a link"):
        check(archive, LIMITS)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_methods_of_packing_are_refused(archive: Path, method: int) -> None:
    archive.write_bytes(zipped({"a.csv": CSV}, method))
    with pytest.raises(Rejected, match=rf"is packed by method {method}, which is not read"):
        check(archive, LIMITS)


def test_damage_anywhere_is_a_rejection_or_changes_nothing(archive: Path, scratch: Path) -> None:
    """A thousand archives, each with a few bytes changed: never another error, never other rows."""
    rows = b"".join(b"%d,%d\n" % (n, n * n) for n in range(60))
    good = zipped({"inner.zip": zipped({"a.csv": rows}), "b.csv": rows})
    chance = random.Random(4)
    refused = 0
    for _ in range(1000):
        raw = bytearray(good)
        for _ in range(chance.choice([1, 1, 2, 5])):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        archive.write_bytes(raw)
        try:
            check(archive, LIMITS)
            found = {content(member) for member in csv_members(archive, scratch, LIMITS)}
        except Rejected:
            refused += 1
        else:
            assert found <= {rows}
    assert 200 < refused < 1000
