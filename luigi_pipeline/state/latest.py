"""Sources whose months go up to the newest published one: which month that is, and which month is overdue.

A run asks the publishers once, when it begins, and records the answers in a small file beside the markers. Commands
that only look at a data dir read that file.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luigi_pipeline.config.settings import Download, Settings
from luigi_pipeline.core.clock import utc_now
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import PipelineError
from luigi_pipeline.core.files import write_atomically
from luigi_pipeline.core.months import NEW_YORK, Month
from luigi_pipeline.core.redaction import redacted
from luigi_pipeline.sources import MONTHLY, SOURCES

log = logging.getLogger("luigi_pipeline")

# How far the first search goes back if a publisher has stopped. Each month costs a request.
_MOST_MONTHS = 36
# A publisher may skip a month, or publish it after the next one.
_MISSES = 3
# A publisher that is down must not delay the beginning of a run any longer than this.
_MOST_ATTEMPTS, _MOST_SECONDS = 2, 10.0


@dataclass(frozen=True)
class Overdue:
    """A month that its publisher usually has by now.

    Attributes:
        source: The source.
        month: The month.
        days: How many days later than usual it is.
    """

    source: str
    month: Month
    days: int

    def __str__(self) -> str:
        """In words."""
        return f"{self.source} {self.month} is not published yet, {self.days} days later than usual"


def open_sources(settings: Settings) -> list[str]:
    """The sources whose months go up to the newest published one."""
    return [name for name in MONTHLY if settings.source(name).latest_from]


def as_known(settings: Settings, data: DataDir) -> Settings:
    """The configuration, with the newest months that the publishers had when they were last asked."""
    names = open_sources(settings)
    notes = _read(data) if names else {}
    known = {name: _known(settings, name, notes) for name in names}
    return settings.until({name: month for name, month in known.items() if month})


def ask(settings: Settings, data: DataDir) -> None:
    """Ask the publishers for their newest months, and record the answers.

    If a publisher can't be asked, one line says so, and its last known month stays.

    Args:
        settings: The configuration.
        data: The data dir.
    """
    notes = _read(data)
    for name in open_sources(settings):
        known = _known(settings, name, notes)
        try:
            newest = _newest(settings, name, known, data)
            if newest is not None:
                notes[name] = {"month": newest, "of": _publisher(settings, name), "asked_at": utc_now()}
                write_atomically(_path(data), json.dumps(notes, indent=2).encode() + b"\n")
        except (PipelineError, OSError) as error:
            what = f"those to {known}" if known else f"{_first(settings, name)} alone"
            log.warning("%s: can't ask for new months (%s); going on with %s", name, error, what)
            continue
        if known and newest != known:
            log.info("%s: %s is published", name, newest)


def describe(settings: Settings, data: DataDir) -> list[str]:
    """Describe the newest known month of each source, one line each."""
    notes = _read(data)
    lines = []
    for name in open_sources(settings):
        month = _known(settings, name, notes)
        if month:
            lines.append(
                f"{name} goes up to {month}, the newest month on {notes[name]['asked_at'][:16]}Z; a run asks again"
            )
        else:
            lines.append(
                f"{name} goes up to the newest month, which a run will ask for; it begins with {_first(settings, name)}"
            )
    return lines


def overdue(settings: Settings, data: DataDir) -> list[Overdue]:
    """The month after the newest one of each source, if its publisher usually has it by now."""
    notes = _read(data)
    newest = ((name, _known(settings, name, notes)) for name in open_sources(settings))
    late = [
        Overdue(name, after, days_late(settings, name, after))
        for name, month in newest
        if month
        for after in [month.next]
    ]
    return [it for it in late if it.days > 0]


def days_late(settings: Settings, source: str, month: Month) -> int:
    """How many days later than usual an unpublished month is today; negative if it is not due yet."""
    return (_today() - month.last_day).days - settings.source(source).usual_delay_days


def _newest(settings: Settings, name: str, known: Month | None, data: DataDir) -> Month | None:
    """The newest month that a publisher has. The search goes on from the known month, or back from today."""
    from luigi_pipeline.sources.http import Publisher

    source, folder = SOURCES[name], data.landing / name
    with Publisher(_impatient(settings.download), name) as publisher:
        if known is None:
            published = (
                it for it in _backwards(_first(settings, name)) if source.is_published(it, settings, folder, publisher)
            )
            return next(published, None)
        newest, misses = known, 0
        for month in _forwards(known):
            if source.is_published(month, settings, folder, publisher):
                newest, misses = month, 0
            else:
                misses += 1
            if misses == _MISSES:
                break
        return newest


def _backwards(first: Month) -> Iterator[Month]:
    month = Month.of(_today()).previous
    for _ in range(_MOST_MONTHS):
        if month < first:
            return
        yield month
        month = month.previous


def _forwards(known: Month) -> Iterator[Month]:
    month = known.next
    while month.last_day < _today():
        yield month
        month = month.next


def _today() -> dt.date:
    return dt.datetime.now(NEW_YORK).date()


def _impatient(policy: Download) -> Download:
    return policy.model_copy(
        update={
            "max_attempts": min(policy.max_attempts, _MOST_ATTEMPTS),
            "timeout_seconds": min(policy.timeout_seconds, _MOST_SECONDS),
            "max_wait_seconds": min(policy.max_wait_seconds, _MOST_SECONDS),
        }
    )


def _first(settings: Settings, name: str) -> Month:
    """The first month of an open source."""
    first = settings.source(name).latest_from
    assert first is not None
    return first


def _publisher(settings: Settings, name: str) -> str:
    return redacted(settings.source(name).base_url)


def _known(settings: Settings, name: str, notes: dict[str, Any]) -> Month | None:
    """The newest recorded month, if it was recorded for the publisher that is configured today."""
    note = notes.get(name, {})
    month = Month.or_none(str(note.get("month"))) if note.get("of") == _publisher(settings, name) else None
    return month if month and month >= _first(settings, name) else None


def _path(data: DataDir) -> Path:
    return data.markers / "latest.json"


def _read(data: DataDir) -> dict[str, Any]:
    try:
        notes = json.loads(_path(data).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}
