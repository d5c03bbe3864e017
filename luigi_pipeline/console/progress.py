"""How far a task is, told to the scheduler that gave it out and to the terminal, if the run has one.

What does the work calls `tell`, which does nothing outside of a task's own process. Telling never fails the work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from luigi_pipeline.console import terminal

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger("luigi_pipeline")

_SECONDS = 0.5  # between two reports of the same step: a person sees no more, and a scheduler need not hear more


class StatusReporter(Protocol):
    """What a task's process reports to: Luigi's, with the task's place in the scheduler."""

    def update_status_message(self, message: str) -> None:
        """Say in words how far the task is."""

    def update_progress_percentage(self, percentage: int) -> None:
        """Say how far the task is, 0 to 100."""

    def update_tracking_url(self, tracking_url: str) -> None:
        """Say where to look."""


class _Following:
    """The task that this process works on, and whom to tell."""

    def __init__(self, title: str, reporter: StatusReporter) -> None:
        self.title = title
        self._reporter: StatusReporter | None = reporter
        self._told_at, self._step = float("-inf"), ""

    def tell(self, message: str, fraction: float, step: str) -> None:
        now = time.monotonic()
        if step == self._step and fraction < 1 and now - self._told_at < _SECONDS:
            return
        self._told_at, self._step = now, step
        terminal.show_progress(self.title, message, fraction)
        self._report(lambda reporter: reporter.update_status_message(message))
        self._report(lambda reporter: reporter.update_progress_percentage(int(100 * fraction)))

    def link(self, url: str) -> None:
        self._report(lambda reporter: reporter.update_tracking_url(url))

    def _report(self, call: Callable[[StatusReporter], None]) -> None:
        if self._reporter is None:
            return
        try:
            call(self._reporter)
        except Exception as error:  # whatever it is, it is not the work's
            # Each attempt takes seconds; whether the scheduler is gone for good, the run finds out by itself.
            log.info("%s: tells the scheduler no more: %s", self.title, error)
            self._reporter = None


_following: _Following | None = None
_send: Callable[[str, float, str], None] | None = None


@contextmanager
def following(title: str, reporter: StatusReporter) -> Iterator[None]:
    """Let what is told from here on be of a task.

    Args:
        title: The task, as people read it.
        reporter: Luigi's reporter of the task's process.
    """
    global _following
    _following = _Following(title, reporter)
    try:
        yield
    finally:
        terminal.end_progress(title)
        _following = None


def send_on(send: Callable[[str, float, str], None]) -> None:
    """Have all that this process tells from here on sent to another one, for which it works.

    Args:
        send: Called with what `tell` is to be called with there.
    """
    global _send
    _send = send


def tell(message: str, fraction: float, step: str = "") -> None:
    """Say how far the task is.

    Args:
        message: In words: `loading 2024-10: 2.1 of 3.8 million rows`.
        fraction: The same as a number, 0 to 1.
        step: What the task is at. Within one step not every report goes out; the first one of a step does.
    """
    if _send:
        _send(message, fraction, step)
    if _following:
        _following.tell(message, min(max(fraction, 0.0), 1.0), step)


def link(url: str | None) -> None:
    """Say where to look at what the task does or made; None where there is nothing to follow a link with."""
    if _following and url:
        _following.link(url)


def of_rows(done: float, rows: int) -> str:
    """A part of the rows, as people read it: `2.1 of 3.8 million rows`, `5,120 of 38,400 rows`."""
    if rows < 1_000_000:
        return f"{done * rows:,.0f} of {rows:,} rows"
    return f"{done * rows / 1e6:,.1f} of {rows / 1e6:,.1f} million rows"


@contextmanager
def of_query(
    connection: duckdb.DuckDBPyConnection, doing: str, rows: int, part: tuple[float, float] = (0, 1)
) -> Iterator[None]:
    """Tell how far DuckDB is with what it executes meanwhile.

    Args:
        connection: Which executes it.
        doing: What it does, which the message begins with.
        rows: How many rows it does that to.
        part: Where in the whole task's progress it begins and ends.
    """
    if not _following:
        yield
        return
    connection.execute("set enable_progress_bar = true; set enable_progress_bar_print = false")
    over, (begin, end) = threading.Event(), part

    def watch() -> None:
        while not over.wait(_SECONDS):
            done = connection.query_progress() / 100
            if done > 0:
                tell(f"{doing}: {of_rows(done, rows)}", begin + done * (end - begin), step=doing)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
