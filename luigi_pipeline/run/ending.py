"""The end of a run: what is recorded, reported and alerted then, whatever the outcome."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from luigi_pipeline.config.settings import Settings
from luigi_pipeline.console import logs, streams
from luigi_pipeline.core.clock import utc_now
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import AlreadyRunning
from luigi_pipeline.run import account, alerts, failures, recording
from luigi_pipeline.state import findings, latest
from luigi_pipeline.state.findings import Finding
from luigi_pipeline.state.history import volumes

log = logging.getLogger("luigi_pipeline")

_NOT_PUBLISHED = 20
# What ends in a validation, or goes by one.
_JUDGING = ("Validate", "Publish", "Backfill")


@dataclass
class _Run:
    """The run that this process is, until it has ended."""

    data: DataDir
    settings: Settings
    task: str
    began_at: str
    is_quiet: bool
    complaints: list[str]


_runs: list[_Run] = []


def watch(data: DataDir, settings: Settings, task: str, command: str, *, quiet: bool) -> None:
    """Record that a run begins.

    Args:
        data: The run's data dir.
        settings: Its configuration.
        task: The task that was asked for.
        command: What the run was asked for with.
        quiet: Whether the run prints one report on stderr, and only if it does not succeed.
    """
    recording.begin(data.history, task, command)
    _runs.append(_Run(data, settings, task, utc_now(), quiet, logs.complaints()))


def watch_exit() -> None:
    """See to it that this process, when it exits, first ends the run.

    Luigi ends with `sys.exit` and a code from luigi.cfg. There is no event or hook for that.
    """
    process, leave = os.getpid(), sys.exit

    def end_and_leave(status: object = None, /) -> NoReturn:
        if os.getpid() == process:
            code = status if isinstance(status, int) else 0 if status is None else 1
            status = end(code, error=sys.exc_info()[1])
        leave(status)  # type: ignore[arg-type]

    sys.exit = end_and_leave


def is_awaited() -> bool:
    """Whether this process, or the one it was forked from, is a run that has yet to end."""
    return bool(_runs)


def go_by(settings: Settings) -> None:
    """Go by a configuration that has been brought up to date since the run began."""
    for run in _runs:
        run.settings = settings


def is_reported() -> bool:
    """Whether a report at the end will explain whatever goes wrong from here on."""
    return any(run.is_quiet for run in _runs)


def note_refusal(data: DataDir, task: str, command: str) -> None:
    """Note a run that ends before it begins, as another one holds the data dir."""
    code = AlreadyRunning.exit_code
    recording.note(data.history, task, command, recording.OUTCOMES[code], code)


def end(exit_code: int, outcome: str | None = None, error: BaseException | None = None) -> int:
    """End the run, once.

    Args:
        exit_code: What Luigi exits with.
        outcome: How the run ended, in words, if the code does not say it.
        error: What Luigi could not handle, if that is what ended it.

    Returns:
        What to exit with.
    """
    if not _runs:
        return exit_code
    try:
        return _end(_runs.pop(), exit_code, outcome, error)
    except Exception:
        log.exception("the run has ended, but not all of it could be reported")
        return exit_code
    finally:
        recording.close()
        failures.end_waiting()


def _end(run: _Run, exit_code: int, outcome: str | None, error: BaseException | None) -> int:
    drops = volumes.drops(run.data, run.settings, since=run.began_at)
    overdue = [it for it in latest.overdue(run.settings, run.data) if it.source in latest.wanted]
    for remark in [*drops, *overdue]:
        log.warning("%s", remark)
    if overdue and exit_code == 0:
        # All else is done: a publisher that is late holds up no one, so the month is no task that Luigi could miss.
        exit_code = _NOT_PUBLISHED
    stopped, outcome = outcome is not None, outcome or recording.OUTCOMES.get(exit_code, "ended")
    recording.end(exit_code, outcome)
    unusual = _report_findings(run)
    remarks = [*drops, *overdue, *(it.line for it in unusual)]
    report = account.of_run(run.task, exit_code, outcome, run.data, error, run.complaints, remarks)
    if exit_code != 0 and run.is_quiet:
        streams.say(str(report))
    if not stopped and (run.settings.alerts.email or run.settings.alerts.webhook):
        _alert(run, exit_code, report, overdue, unusual)
    return exit_code


def _report_findings(run: _Run) -> list[Finding]:
    """Report the findings that are not accepted: on the console each time, in quiet mode only while they are new."""
    if run.task not in _JUDGING:
        return []
    unusual = findings.unaccepted(run.data, run.settings.validation.accepted)
    reported = [it for it in unusual if it.first_seen_at >= run.began_at] if run.is_quiet else unusual
    for line in findings.lines(reported):
        if run.is_quiet:
            print(line, file=sys.stderr)
        else:
            log.warning("%s", line)
    return unusual


def _alert(
    run: _Run, exit_code: int, report: account.Report, overdue: Sequence[latest.Overdue], unusual: Sequence[Finding]
) -> None:
    """Send one message at the most: on a failure, a success after one, a month that is long overdue, a new finding."""
    named = [
        latest.Overdue(source, month, latest.days_late(run.settings, source, month))
        for source, month in recording.unpublished()
    ]
    late = [it for it in [*overdue, *named] if it.days >= run.settings.alerts.overdue_days]
    new = sorted(
        {f"{it.source} {it.month}" for it in late}.union(it.key for it in unusual) - recording.alerted_before()
    )
    failed_before = recording.failed_before()
    if exit_code not in (0, _NOT_PUBLISHED):
        message = report
    elif failed_before is not None:
        message = account.Report(f"{report.title}; {failed_before}", report.lines)
    elif new:
        message = report
    else:
        return
    if alerts.send(message, run.settings.alerts):
        recording.record_alert(new)
