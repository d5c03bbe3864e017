"""The end of a run: what is recorded, reported and alerted then, whatever the outcome."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from luigi.execution_summary import LuigiRunResult, LuigiStatusCode
from luigi.worker import Worker

from luigi_pipeline.config.settings import Settings
from luigi_pipeline.console import logs, streams
from luigi_pipeline.run import account, alerts
from luigi_pipeline.run.recording import OUTCOMES, Recording
from luigi_pipeline.run.run import Run
from luigi_pipeline.state import findings, latest
from luigi_pipeline.state.findings import Finding
from luigi_pipeline.state.history import volumes

log = logging.getLogger("luigi_pipeline")

_NOT_PUBLISHED = 20
_ERROR = 40
_INTERRUPTED = 130
# The same codes as in luigi.cfg's `retcode`, which holds for runs from the command line.
_CODES = {
    LuigiStatusCode.SUCCESS: 0,
    LuigiStatusCode.SUCCESS_WITH_RETRY: 0,
    LuigiStatusCode.NOT_RUN: 15,
    LuigiStatusCode.MISSING_EXT: 20,
    LuigiStatusCode.FAILED: 30,
    LuigiStatusCode.SCHEDULING_FAILED: 35,
    LuigiStatusCode.FAILED_AND_SCHEDULING_FAILED: 35,
}
# What ends in a validation, or goes by one.
_JUDGING = ("Validate", "Publish", "Backfill")


def watch_exit(ended: Ending) -> None:
    """See to it that this process, when it exits, first ends the run.

    Luigi ends with `sys.exit` and a code from luigi.cfg. There is no event or hook for that.
    """
    process, leave = os.getpid(), sys.exit

    def end_and_leave(status: object = None, /) -> NoReturn:
        if os.getpid() == process:
            code = status if isinstance(status, int) else 0 if status is None else 1
            status = ended.end(code, error=sys.exc_info()[1])
        leave(status)  # type: ignore[arg-type]

    sys.exit = end_and_leave


class Ending:
    """The end of one run, which is yet to come."""

    def __init__(self, run: Run, task: str) -> None:
        """Begin to collect what the end reports.

        Args:
            run: The run, which begins.
            task: The task that was asked for.
        """
        self._run, self._task, self._is_over = run, task, False
        self._began_at, self._complaints = run.asking.began_at, logs.complaints()

    def end(self, exit_code: int, outcome: str | None = None, error: BaseException | None = None) -> int:
        """End the run, once.

        Args:
            exit_code: What Luigi exits with.
            outcome: How the run ended, in words, if the code does not say it.
            error: What Luigi could not handle, if that is what ended it.

        Returns:
            What to exit with.
        """
        recording = self._run.recording
        if recording is None or self._is_over:
            return exit_code
        self._is_over = True
        try:
            return self._end(recording, exit_code, outcome, error)
        except Exception:
            log.exception("the run has ended, but not all of it could be reported")
            return exit_code
        finally:
            self._run.end()

    def end_build(self, worker: Worker, _: object, error: BaseException | None, __: object) -> None:
        """End a run from Python, as Luigi's worker ends, with or without an error."""
        if isinstance(error, KeyboardInterrupt):
            self.end(_INTERRUPTED, "stopped by SIGINT", error)
        else:
            self.end(_CODES[LuigiRunResult(worker).status] if error is None else _ERROR, error=error)

    def _end(self, recording: Recording, exit_code: int, outcome: str | None, error: BaseException | None) -> int:
        settings, data = self._run.settings, self._run.data
        is_stopped = outcome is not None
        if not is_stopped:
            for task in self._run.tasks.values():
                task.report()
        drops = volumes.drops(data, settings, since=self._began_at)
        # Overdue months of sources that the run does not load are no matter of it.
        sources = {name for task in self._run.tasks.values() for name in task.sources()}
        overdue = [it for it in latest.overdue(settings, data) if it.source in sources]
        for remark in [*drops, *overdue]:
            log.warning("%s", remark)
        if overdue and exit_code == 0:
            # All else is done: a publisher that is late holds up no one, so the month is no task that Luigi could miss.
            exit_code = _NOT_PUBLISHED
        outcome = outcome or OUTCOMES.get(exit_code, "ended")
        recording.end(exit_code, outcome)
        unusual = self._report_findings()
        remarks = [*drops, *overdue, *(it.line for it in unusual)]
        report_on_run = account.of_run(
            recording, self._task, exit_code, outcome, data, error, self._complaints, remarks
        )
        if exit_code != 0 and self._run.is_quiet:
            streams.say(str(report_on_run))
        if not is_stopped and (settings.alerts.email or settings.alerts.webhook):
            _alert(recording, settings, exit_code, report_on_run, overdue, unusual)
        return exit_code

    def _report_findings(self) -> list[Finding]:
        """Report the findings that are not accepted: each time, or in quiet mode only while they are new."""
        if self._task not in _JUDGING:
            return []
        unusual = findings.unaccepted(self._run.data, self._run.settings.validation.accepted)
        is_quiet = self._run.is_quiet
        reported = [it for it in unusual if it.first_seen_at >= self._began_at] if is_quiet else unusual
        for line in findings.lines(reported):
            if is_quiet:
                print(line, file=sys.stderr)
            else:
                log.warning("%s", line)
        return unusual


def _alert(
    recording: Recording,
    settings: Settings,
    exit_code: int,
    report: account.Report,
    overdue: Sequence[latest.Overdue],
    unusual: Sequence[Finding],
) -> None:
    """Send one message at the most: on a failure, a success after one, a month that is long overdue, a new finding."""
    named = [
        latest.Overdue(source, month, latest.days_late(settings, source, month))
        for source, month in recording.unpublished()
    ]
    late = [it for it in [*overdue, *named] if it.days >= settings.alerts.overdue_days]
    keys = {f"{it.source} {it.month}" for it in late}.union(it.key for it in unusual)
    new = sorted(keys - recording.alerted_before())
    failed_before = recording.failed_before()
    if exit_code not in (0, _NOT_PUBLISHED):
        message = report
    elif failed_before is not None:
        message = account.Report(f"{report.title}; {failed_before}", report.lines)
    elif new:
        message = report
    else:
        return
    if alerts.send(message, settings.alerts):
        recording.record_alert(new)
