"""What the page says about the data: months, files, checks. It is read from markers and from the validation."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from luigi_pipeline.config.settings import Settings
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.months import Month, spans
from luigi_pipeline.metrics import reading
from luigi_pipeline.report.questions import COVERED, COVERED_BY_ALL, Answers
from luigi_pipeline.report.stating import fact, sentence, stated
from luigi_pipeline.sources import MONTHLY, SOURCES
from luigi_pipeline.sources.weather import HourlyWeather
from luigi_pipeline.state import findings, markers
from luigi_pipeline.state.findings import Finding
from luigi_pipeline.state.markers import Marker
from luigi_pipeline.validation.plausibility import PROFILES

NAMES = {name: source.title for name, source in SOURCES.items()}
_HISTORY = 20
_COVERED_PCT = 99


@dataclass(frozen=True)
class Cell:
    """A month of a source.

    Attributes:
        state: loaded, due, missing, disabled, not configured, or out of the configuration.
        rows: Number of rows loaded.
        loaded_at: When it was loaded, UTC, ISO 8601.
    """

    state: str
    rows: int | None = None
    loaded_at: str | None = None


@dataclass(frozen=True)
class File:
    """A published file or an archive member: how many rows it had when it was read, and how many are loaded."""

    source: str
    month: str | None
    name: str
    version: str
    rows_in_file: int | None
    rows_loaded: int

    @property
    def agrees(self) -> bool:
        """Whether no row was lost and none was loaded twice."""
        return self.rows_in_file == self.rows_loaded


@dataclass(frozen=True)
class Facts:
    """Everything that the page says about the data.

    Attributes:
        sources: Names of the monthly sources that are enabled or loaded, in order.
        months: All months from the first to the last.
        calendar: The state of each month and source.
        files: All files that the published tables are made from.
        recorded: Rows loaded and trips recorded, by mode.
        freshness: For each source, its newest month, when it was loaded, and what is still to come.
        report: The validation's report.
        history: The newest validations, newest first.
        build: Details of dbt's build.
        findings: What is unusual about months, accepted or not.
        problems: What is wrong or worth knowing: severity and sentence. Each number in a sentence is `stated`.
    """

    sources: list[str]
    months: list[Month]
    calendar: dict[Month, dict[str, Cell]]
    files: list[File]
    recorded: list[tuple[str, int, int]]
    freshness: list[dict[str, Any]]
    report: dict[str, Any]
    history: list[dict[str, Any]]
    build: dict[str, Any]
    findings: list[Finding]
    problems: list[tuple[str, Markup]] = field(default_factory=list)

    def unusual(self, source: str, month: Month) -> list[Finding]:
        """The findings of a month that nobody has accepted."""
        return [it for it in self.findings if (it.source, it.source_month) == (source, month) and not it.is_accepted]


def gather(data: DataDir, settings: Settings, answers: Answers) -> Facts:
    """Gather the facts.

    Args:
        data: The data dir.
        settings: The configuration, which names the sources and months that should be there.
        answers: The answers of the metrics.
    """
    loads = {
        (marker.parameters["source"], Month(marker.parameters["month"])): marker
        for path in sorted((data.markers / "LoadMonth").rglob("*.json"))
        if (marker := markers.read(path))
    }
    months = _months(settings, loads)
    loaded = {name for name, _ in loads}
    sources = [name for name in MONTHLY if settings.source(name).enabled or name in loaded]
    calendar = {month: {name: _cell(settings, loads, name, month) for name in sources} for month in months}
    files = _files(data, loads.values())
    build = markers.read(data.markers / "DbtBuild.json")
    facts = Facts(
        sources=sources,
        months=months,
        calendar=calendar,
        files=files,
        recorded=_recorded(files, answers),
        freshness=[_freshness(settings, loads, name) for name in sources],
        report=_json(data.validation / "report.json"),
        history=history(data)[:_HISTORY],
        build=build.details if build else {},
        findings=findings.read(data, settings.validation.accepted),
    )
    facts.problems.extend(_problems(facts, settings, loads, answers))
    return facts


def history(data: DataDir) -> list[dict[str, Any]]:
    """The results of past validations, newest first."""
    try:
        lines = (data.validation / "history.jsonl").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in reversed(lines)]


def _json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return content


def _months(settings: Settings, loads: dict[tuple[str, Month], Marker]) -> list[Month]:
    """All months from the first to the last, so that a month without any data is seen too."""
    known = {month for _, month in loads}.union(*(SOURCES[name].months(settings) for name in MONTHLY))
    return Month.between(min(known), max(known)) if known else []


def _cell(settings: Settings, loads: dict[tuple[str, Month], Marker], name: str, month: Month) -> Cell:
    load = loads.get((name, month))
    configured = month in SOURCES[name].months(settings)
    if load is None or load.source is None:
        enabled = settings.source(name).enabled
        return Cell("missing" if configured else "not configured" if enabled else "disabled")
    state = "loaded" if configured else "out of the configuration"
    if state == "loaded" and load.source.settled_at and load.finished_at < load.source.settled_at:
        state = "due"
    return Cell(state, load.source.rows, load.finished_at)


def _files(data: DataDir, loads: Iterable[Marker]) -> list[File]:
    zones = markers.read(data.markers / "LoadZones.json")
    counted = {
        name: rows
        for marker in [*loads, *([zones] if zones else [])]
        for published in marker.sources
        for name, rows in published.members.items()
    }
    lineage = reading.current(data).run(
        "select distinct source, source_month, source_file, source_version, row_count "
        "from nyc_mobility.meta.lineage order by all"
    )
    return [
        File(row["source"], row["source_month"], row["source_file"], row["source_version"],
             counted.get(row["source_file"]), row["row_count"])
        for row in lineage.to_pylist()
    ]  # fmt: skip


def _recorded(files: Sequence[File], answers: Answers) -> list[tuple[str, int, int]]:
    return [
        (mode, sum(file.rows_loaded for file in files if file.source == mode), int(row["part_recorded_trips"] or 0))
        for mode, row in sorted(answers.by_mode.items(), reverse=True)
    ]


def _freshness(settings: Settings, loads: dict[tuple[str, Month], Marker], name: str) -> dict[str, Any]:
    of = {month: load for (source, month), load in loads.items() if source == name}
    newest = max(of, default=None)
    loaded = max((load.finished_at for load in of.values()), default=None)
    settled = max((load.source.settled_at or "" for load in of.values() if load.source), default="")
    open_ = bool(settled and loaded and loaded < settled)
    return {
        "source": name,
        "enabled": settings.source(name).enabled,
        "newest": newest,
        "loaded_at": loaded,
        "settled_at": settled if open_ else None,
        "days": _days_between(newest, loaded),
    }


def _days_between(month: Month | None, loaded_at: str | None) -> int | None:
    """Days from the end of a month to its load."""
    if not month or not loaded_at:
        return None
    return (dt.date.fromisoformat(loaded_at[:10]) - month.day_after).days


def _problems(
    facts: Facts, settings: Settings, loads: dict[tuple[str, Month], Marker], answers: Answers
) -> Iterator[tuple[str, Markup]]:
    yield from _findings(facts)
    yield from _checks(facts)
    for name in facts.sources:
        states = {month: facts.calendar[month][name].state for month in facts.months}
        yield from _enabled(name, states) if settings.source(name).enabled else _disabled(name, states)
        yield from _columns(name, [load for (source, _), load in sorted(loads.items()) if source == name])
    coverage = answers.totals.get("weather_coverage_pct")
    if settings.source(HourlyWeather.name).enabled and coverage is not None and coverage < _COVERED_PCT:
        share = stated(f"{coverage:.1f}", "weather_coverage_pct")
        yield "warning", sentence("Only {} % of the trips have weather for their hour.", share)
    yield from _coverage(answers)


def _coverage(answers: Answers) -> Iterator[tuple[str, Markup]]:
    """Which trips count only in the totals, and over which days modes are compared."""
    strays = (answers.totals["total_trips"] or 0) - sum(filter(None, answers.datasets["daily"].column("trips")))
    if strays:
        count = stated(f"{strays:,}", "total_trips", [f"not {COVERED}"])
        yield "note", sentence("{} trips of days beyond the loaded months count in the totals only.", count)
    if answers.compared_days == answers.covered_days:
        return
    if answers.compared_days:
        template = "Modes are compared over the days that all of them cover: {} of {}."
        compared = stated(f"{len(answers.compared_days):,}", "part_covered_days", [COVERED_BY_ALL])
        yield "note", sentence(template, compared, stated(f"{len(answers.covered_days):,}", "part_covered_days"))
    else:
        yield "note", Markup("No day is covered by all modes: they are not compared.")


def _findings(facts: Facts) -> Iterator[tuple[str, Markup]]:
    # In the words of the run. The numbers are those of month profiles, not of metrics.
    for it in facts.findings:
        if it.is_accepted:
            template = "Unusual, and accepted: <q>{}</q> (since {}). Why: <q>{}</q>."
            yield "note", sentence(template, it.line, it.first_seen_at[:10], it.accepted_because)
        else:
            yield "warning", sentence("Unusual: <q>{}</q> (since {}).", it.line, it.first_seen_at[:10])


def _checks(facts: Facts) -> Iterator[tuple[str, Markup]]:
    # Texts of dbt and of checks are quoted, because their numbers are not `stated`.
    for item in facts.report.get("results", []):
        if item["status"] in ("failed", "errored") and item["suite"] != PROFILES:
            column = f" of {item['column']}" if item["column"] else ""
            why = item["why"] + _counted(item)
            yield "warning", sentence("A check{} in {} did not pass: <q>{}</q>", column, item["suite"], why)
    for warning in facts.build.get("warnings", []):
        yield "warning", sentence("A test of dbt warned: <q>{}</q>.", warning)
    for file in facts.files:
        if not file.agrees and file.rows_in_file is not None:
            there, loaded = fact(f"{file.rows_in_file:,}", "rows in file"), fact(f"{file.rows_loaded:,}", "rows loaded")
            yield "warning", sentence("<q>{}</q> has {} rows, but {} are loaded.", file.name, there, loaded)


def _disabled(name: str, states: dict[Month, str]) -> Iterator[tuple[str, Markup]]:
    left = [month for month, state in states.items() if state == "out of the configuration"]
    rest = f"; {_listed(left)} were loaded before and still count." if left else ": nothing here is about it."
    yield "note", sentence("{} is disabled in the configuration{}", NAMES[name], rest)


def _enabled(name: str, states: dict[Month, str]) -> Iterator[tuple[str, Markup]]:
    there = [month for month, state in states.items() if state not in ("missing", "not configured")]
    absent = [month for month in states if month not in there]
    between = [month for month in absent if there and there[0] < month < there[-1]]
    if between:
        yield "warning", sentence("{} has no data for {}: charts have a gap there.", NAMES[name], _listed(between))
    elif absent:
        template = "{} has no data for {}, where there are other sources' data."
        yield "note", sentence(template, NAMES[name], _listed(absent))
    due = [month for month, state in states.items() if state == "due"]
    if due:
        yield "note", sentence("{} of {} is recent: its publisher still fills in values.", NAMES[name], _listed(due))


def _columns(name: str, loads: Sequence[Marker]) -> Iterator[tuple[str, Markup]]:
    changed = [load for load in loads if load.schema_changes]
    if changed:
        what = sorted({change.rpartition(": ")[2] for load in changed for change in load.schema_changes})
        months = _listed([Month(load.parameters["month"]) for load in changed])
        template = "{} of {} came with other columns than declared: <q>{}</q>."
        yield "note", sentence(template, NAMES[name], months, "; ".join(what))


def _counted(item: dict[str, Any]) -> str:
    if item.get("error"):
        return f" ({item['error']})"
    return f" ({item['unexpected_count']:,} rows)" if item.get("unexpected_count") else ""


def _listed(months: Sequence[Month]) -> str:
    """Months in words. Months in a row become a span."""
    texts = spans(months)
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if texts[1:] else texts)
