"""Show the loaded months by source, with rows, age, version and state, and whether later stages are up to date.

It reads only markers, and works beside a run. For monitoring, the exit code is 1 if something is missing or stale, if a
month is overdue at its publisher, or if a finding of the last 90 days is not accepted.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from luigi_pipeline.run.run import Run
from luigi_pipeline.sources import SOURCES
from luigi_pipeline.sources.landed import version_of
from luigi_pipeline.state import findings, latest, markers
from luigi_pipeline.state.markers import Marker
from luigi_pipeline.tasks.base import MobilityTask
from luigi_pipeline.tasks.build import DbtBuild
from luigi_pipeline.tasks.ingest import IngestSource, IngestZones, sources
from luigi_pipeline.tasks.load import Load, LoadMonth, LoadZones
from luigi_pipeline.tasks.publish import Publish
from luigi_pipeline.tasks.validate import Validate

_IS_NOT_WELL = 1
_DAYS_OF_A_FINDING = 90
_NOT_WELL = ("missing", "stale")
_COLOURS = {"missing": "red", "stale": "yellow", "due": "cyan", "not in the configuration": "dim", "disabled": "dim"}
_WIDTH_OF_A_PIPE = 120


@dataclass(frozen=True)
class State:
    """The state of a month, or of a stage.

    Attributes:
        task: The title of its task.
        source: The source of a month.
        month: The month, YYYY-MM.
        state: loaded (or done), stale, missing, due (loaded, but its publisher must be asked again), not in the
            configuration, or disabled (loaded before its source was).
        why: Why it is not simply loaded.
        rows: Number of rows in the warehouse.
        version: `_source_version` of the rows.
        finished_at: When it was loaded or made, UTC.
    """

    task: str
    source: str | None = None
    month: str | None = None
    state: str = "missing"
    why: str | None = None
    rows: int | None = None
    version: str | None = None
    finished_at: str | None = None


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--json",
        action="store_true",
        help="print {months: [...], stages: [...], overdue: [...], findings: [...]} as JSON",
    )


def run(options: argparse.Namespace) -> int:
    """Print the state of everything.

    Returns:
        1 if something is missing, stale or overdue, or if a finding of the last 90 days is not accepted; otherwise 0.
    """
    months = [state for source in sources() for state in _months(source)]
    stages = [_stage(task) for task in _stages()]
    look = Run.current()
    overdue = latest.overdue(look.settings, look.data)
    known = findings.read(look.data, look.settings.validation.accepted)
    if options.json:
        content: dict[str, list[Any]] = {
            "months": [*months],
            "stages": [*stages],
            "overdue": [*overdue],
            "findings": [*known],
        }
        print(json.dumps({name: [asdict(it) for it in items] for name, items in content.items()}, indent=2))
    else:
        _show(months, stages)
        for line in [*latest.describe(look.settings, look.data), *overdue]:
            print(line)
        for finding in sorted(known, key=lambda it: (it.is_accepted, it.first_seen_at)):
            print(f"finding: {finding.line} (since {finding.first_seen_at[:10]}{_acceptance(finding)})")
    is_new = any(not it.is_accepted and findings.days_old(it) <= _DAYS_OF_A_FINDING for it in known)
    return _IS_NOT_WELL if overdue or is_new or any(it.state in _NOT_WELL for it in [*months, *stages]) else 0


def _acceptance(finding: findings.Finding) -> str:
    return f"; accepted: {finding.accepted_because}" if finding.is_accepted else ""


def _months(source: IngestSource) -> Iterator[State]:
    """The configured months of a source, and its loaded months that are no longer configured."""
    configured = SOURCES[source.source_name].months(source.settings)
    for month in sorted({*configured, *source.loads()}):
        load = LoadMonth(source=source.source_name, month=month)
        if month in configured:
            yield _load(load, *_state_of(load), source=source.source_name, month=month)
        else:
            state = "not in the configuration" if source.is_enabled() else "disabled"
            yield _load(load, state, None, source=source.source_name, month=month)


def _stages() -> list[MobilityTask]:
    zones: list[MobilityTask] = [LoadZones()] if IngestZones().is_wanted() else []
    return [*zones, DbtBuild(), Validate(), Publish()]


def _stage(task: MobilityTask) -> State:
    if isinstance(task, Load):
        return _load(task, *_state_of(task))
    marker, why = _marker(task), task.reason()
    state = "missing" if marker is None else "stale" if why else "done"
    return State(task.title, state=state, why=why, finished_at=marker.finished_at if marker else None)


def _marker(task: MobilityTask) -> Marker | None:
    """The marker, even if the warehouse has changed since. The next run finds out what the warehouse still holds."""
    return markers.read(task.marker_path) if task.data.warehouse.exists() else task.marker()


def _state_of(load: Load) -> tuple[str, str | None]:
    if _marker(load) is None:
        return "missing", load.reason()
    known = load.file.state
    if known.why_load is None:
        return "loaded", None
    return ("due" if known.is_due else "stale"), known.why_load


def _load(load: Load, state: str, why: str | None, source: str | None = None, month: str | None = None) -> State:
    marker = _marker(load)
    if marker is None or marker.source is None:
        return State(load.title, source, month, "missing", why)
    version = version_of(marker.source.sha256)
    return State(load.title, source, month, state, why, marker.source.rows, version, marker.finished_at)


def _show(months: list[State], stages: list[State]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE)
    names = [source.source_name for source in sources()]
    cells = {(it.month, it.source): it for it in months}
    table = Table("month", *names, title="rows, state, version and age of each month", title_justify="left")
    for month in sorted({it.month for it in months if it.month}):
        table.add_row(month, *(_cell(cells.get((month, name))) for name in names))
    console.print(table)
    table = Table("stage", "state", "age", "why", title="what is made of them", title_justify="left")
    for it in stages:
        table.add_row(it.task, _coloured(it.state), _age(it.finished_at), it.why or "")
    console.print(table)
    for it in months:
        if it.why:
            console.print(f"{it.source} {it.month} is {_coloured(it.state)}: {it.why}", soft_wrap=True)


def _cell(it: State | None) -> str:
    if it is None:
        return ""
    if it.rows is None:
        return _coloured(it.state)
    return f"{it.rows:,} {_coloured(it.state)}\n[dim]{it.version} {_age(it.finished_at)}[/dim]"


def _coloured(state: str) -> str:
    colour = _COLOURS.get(state, "green")
    return f"[{colour}]{state}[/{colour}]"


def _age(at: str | None) -> str:
    if at is None:
        return ""
    seconds = max(0.0, (dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(at)).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} s"
