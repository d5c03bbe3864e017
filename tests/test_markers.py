"""Markers: written whole or not at all, and counted only where they are whole."""

import hashlib
import json
import subprocess
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import program

from luigi_pipeline.core.clock import utc_now
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.digests import digest
from luigi_pipeline.state import identity, markers
from luigi_pipeline.state.markers import Marker, PublishedFile

MARKER = Marker(
    task="LoadMonth",
    parameters={"source": "citibike", "month": "2024-09"},
    fingerprint="f" * 64,
    started_at="2024-12-01T10:00:00.000+00:00",
    finished_at="2024-12-01T10:00:02.500+00:00",
    request="r" * 64,
    warehouse="w",
    sources=[PublishedFile("landing/a.zip", "http://localhost/é", 9, "a" * 64, rows=3, members={"a.csv": 3})],
    schema_changes=["a: new column b"],
    details={"rows": 3},
)


def test_a_marker_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "LoadMonth" / "citibike" / "2024-09.json"
    MARKER.write(path)
    assert markers.read(path) == MARKER
    assert json.loads(path.read_text(encoding="utf-8")) == asdict(MARKER)


def test_no_temporary_file_is_left_beside_a_marker(tmp_path: Path) -> None:
    MARKER.write(tmp_path / "a.json")
    MARKER.write(tmp_path / "a.json")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_write_that_fails_leaves_the_old_marker(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    MARKER.write(path)
    command = program("write_past_a_limit", path)
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "File too large" in result.stderr
    assert markers.read(path) == MARKER


def test_a_reader_and_a_kill_see_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    writer = subprocess.Popen(program("write_forever", path))
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    seen = [json.loads(path.read_bytes())["number"] for _ in range(200)]
    writer.kill()
    writer.wait()
    assert seen == sorted(seen)
    assert seen[0] < seen[-1]
    assert len(json.loads(path.read_bytes())["long"]) == 200_000


def test_a_marker_cut_off_anywhere_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    MARKER.write(path)
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert markers.read(path) is None, length


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"5", b'"text"', b"{}", b'{"task": "LoadMonth"}', b"\xff\xfe", b"<html></html>", b"\0" * 100],
)
def test_what_is_not_a_marker_does_not_count(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    assert markers.read(path) is None


def test_a_marker_with_a_key_that_is_not_known_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(asdict(MARKER) | {"later": 1}), encoding="utf-8")
    assert markers.read(path) is None


@pytest.mark.parametrize(
    "damage", [{"sources": "x"}, {"sources": {"a": 1}}, {"sources": [1]}, {"fingerprint": 5}, {"details": None}]
)
def test_a_marker_with_a_value_of_another_kind_does_not_count(tmp_path: Path, damage: dict[str, object]) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(asdict(MARKER) | damage), encoding="utf-8")
    assert markers.read(path) is None


def test_a_missing_marker_and_a_folder_do_not_count(tmp_path: Path) -> None:
    assert markers.read(tmp_path / "missing.json") is None
    assert markers.read(tmp_path) is None


def test_a_digest_is_the_same_in_every_process_and_release() -> None:
    value = {"b": [1, 2.5, None, "é"], "a": {"y": True, "x": ""}}
    text = r'{"a":{"x":"","y":true},"b":[1,2.5,null,"\u00e9"]}'
    assert digest(value) == hashlib.sha256(text.encode()).hexdigest()


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, object]) -> None:
    assert digest(dict(reversed(list(value.items())))) == digest(value)


def test_a_digest_depends_on_every_value_and_on_the_order_of_lists() -> None:
    values = [{"a": 1}, {"a": "1"}, {"a": 2}, {"b": 1}, {"a": [1, 2]}, {"a": [2, 1]}, {"a": None}, {}, [], ""]
    assert len({digest(value) for value in values}) == len(values)


def test_times_are_utc_and_give_the_seconds_between_them() -> None:
    assert utc_now().endswith("+00:00")
    assert markers.seconds(MARKER) == 2.5


def test_the_warehouse_is_known_only_while_it_is_the_file_that_was_noted(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    assert identity.warehouse_id(data) is None
    data.warehouse.write_bytes(b"one")
    identity.note_warehouse(data, "first", is_open=False)
    assert identity.warehouse_id(data) == "first"
    other = tmp_path / "other"
    other.write_bytes(b"two")
    other.replace(data.warehouse)
    assert identity.warehouse_id(data) is None
    identity.note_warehouse(data, "second", is_open=False)
    assert identity.warehouse_id(data) == "second"
    data.warehouse.unlink()
    assert identity.warehouse_id(data) is None


def test_a_warehouse_that_others_wrote_to_is_not_known_until_it_is_opened(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.warehouse.write_bytes(b"one")
    identity.note_warehouse(data, "first", is_open=False)
    data.warehouse.write_bytes(b"other")
    assert identity.warehouse_id(data) is None


def test_a_warehouse_that_is_being_written_to_is_known(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.warehouse.write_bytes(b"one")
    identity.note_warehouse(data, "first", is_open=True)
    data.warehouse.write_bytes(b"one and more")
    assert identity.warehouse_id(data) == "first"


def test_a_damaged_note_of_the_warehouse_does_not_count(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.warehouse.write_bytes(b"one")
    identity.note_warehouse(data, "first", is_open=False)
    note = data.markers / "warehouse.json"
    whole = note.read_bytes()
    for content in (b"", b"[]", b"null", b"{}", whole[:-3], b'{"id": 1}'):
        note.write_bytes(content)
        assert identity.warehouse_id(data) is None, content
