"""The end of a run: what is noted and said then, whatever the run came to."""

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
    """Note that a run begins.

    Args:
        data: The run's data dir.
        settings: Its configuration.
        task: The task that was asked for.
        command: What the run was asked for with.
        quiet: Whether it is to report on stderr where it does not go well.
    """
    recording.begin(data.history, task, command)
    _runs.append(_Run(data, settings, task, utc_now(), quiet, logs.complaints()))


def watch_exit() -> None:
    """See to it that this process, when it exits, first ends the run.

    Luigi ends with `sys.exit` and the code that luigi.cfg has for what happened, and tells no one else of it.
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
    """Whether what goes wrong from here on is told by a report at the end."""
    return any(run.is_quiet for run in _runs)


def note_refusal(data: DataDir, task: str, command: str) -> None:
    """Note a run that ends before it begins, as another one holds the data dir."""
    code = AlreadyRunning.exit_code
    recording.note(data.history, task, command, recording.OUTCOMES[code], code)


def end(exit_code: int, outcome: str | None = None, error: BaseException | None = None) -> int:
    """End the run, once.

    Args:
        exit_code: What Luigi exits with.
        outcome: How the run ended, in words, where the code does not say it.
        error: What Luigi could not handle, if that is what ended it.

    Returns:
        What to exit with.
    """
    if not _runs:
        return exit_code
    try:
        return _end(_runs.pop(), exit_code, outcome, error)
    except Exception:
        log.exception("the run has ended, but not all of it could be told")
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
    found = _tell_findings(run)
    remarks = [*drops, *overdue, *(it.line for it in found)]
    told = account.of_run(run.task, exit_code, outcome, run.data, error, run.complaints, remarks)
    if exit_code != 0 and run.is_quiet:
        streams.say(str(told))
    if not stopped and (run.settings.alerts.email or run.settings.alerts.webhook):
        _alert(run, exit_code, told, overdue, found)
    return exit_code


def _tell_findings(run: _Run) -> list[Finding]:
    """Say last what is unusual of months and not accepted: on the console each time, to cron as long as it is new."""
    if run.task not in _JUDGING:
        return []
    found = findings.unaccepted(run.data, run.settings.validation.accepted)
    told = [it for it in found if it.first_seen_at >= run.began_at] if run.is_quiet else found
    for line in findings.lines(told):
        if run.is_quiet:
            print(line, file=sys.stderr)
        else:
            log.warning("%s", line)
    return found


def _alert(
    run: _Run, exit_code: int, told: account.Report, overdue: Sequence[latest.Overdue], found: Sequence[Finding]
) -> None:
    """Send one message at the most: on a failure, a success after one, a month that is long overdue, a new finding."""
    named = [
        latest.Overdue(source, month, latest.days_late(run.settings, source, month))
        for source, month in recording.unpublished()
    ]
    late = [it for it in [*overdue, *named] if it.days >= run.settings.alerts.overdue_days]
    new = sorted({f"{it.source} {it.month}" for it in late}.union(it.key for it in found) - recording.told_before())
    failed_before = recording.failed_before()
    if exit_code not in (0, _NOT_PUBLISHED):
        message = told
    elif failed_before is not None:
        message = account.Report(f"{told.title}; {failed_before}", told.lines)
    elif new:
        message = told
    else:
        return
    if alerts.send(message, run.settings.alerts):
        recording.note_told(new)
