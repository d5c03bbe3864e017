"""Folders that are replaced as a whole."""

import threading
from pathlib import Path

import pytest

from luigi_pipeline.core import folders


def _fill(folder: Path, text: str) -> None:
    for name in ("a", "b"):
        (folder / name).write_text(text)


def _fail_half_way(target: Path) -> None:
    with folders.replacing(target) as new:
        assert list(new.iterdir()) == []
        _fill(new, "second")
        raise OSError("the disk is full")


def test_a_new_folder_takes_the_place_of_the_old_one_and_nothing_is_left_beside(tmp_path: Path) -> None:
    target = tmp_path / "site"
    for text in ("first", "second"):
        with folders.replacing(target) as new:
            _fill(new, text)
        assert {path.read_text() for path in target.iterdir()} == {text}
        assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "site"
    with folders.replacing(target) as new:
        _fill(new, "first")
    (tmp_path / ".site.new").mkdir()  # as a kill leaves it
    (tmp_path / ".site.new" / "half").touch()
    with pytest.raises(OSError, match="full"):
        _fail_half_way(target)
    assert {path.read_text() for path in target.iterdir()} == {"first"}
    assert list(tmp_path.iterdir()) == [target]


def test_there_is_no_moment_without_the_folder(tmp_path: Path) -> None:
    target, absent, ended = tmp_path / "site", [], threading.Event()
    with folders.replacing(target) as new:
        _fill(new, "0")

    def watch() -> None:
        while not ended.is_set():
            try:
                (target / "a").stat()
            except FileNotFoundError as error:
                absent.append(error)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(200):
        with folders.replacing(target) as new:
            _fill(new, str(number))
    ended.set()
    watcher.join()
    assert absent == []
