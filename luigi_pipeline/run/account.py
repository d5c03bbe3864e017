"""The report on a run, in a few lines: for cron's mail and for alerts."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.errors import one_line
from luigi_pipeline.run.recording import Recording

_MOST_LINES = 10


@dataclass(frozen=True)
class Report:
    """A report on a run.

    Attributes:
        title: The outcome, in one line.
        lines: The reasons, one line each.
    """

    title: str
    lines: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """All of it."""
        return "\n".join([self.title, *(f"  {line}" for line in self.lines)])


def of_run(
    recording: Recording,
    task: str,
    exit_code: int,
    outcome: str,
    data: DataDir,
    error: BaseException | None,
    complaints: Sequence[str],
    remarks: Sequence[object],
) -> Report:
    """The report on the run that ends.

    Args:
        recording: Its record in the history.
        task: The task that was asked for.
        exit_code: Luigi's.
        outcome: What it means.
        data: The data dir.
        error: What Luigi could not handle, if that is what ended the run.
        complaints: Luigi's warnings and errors, for runs in which no task has failed.
        remarks: Months with few rows, overdue months, and findings.
    """
    reasons = [f"{it.title}: {it.error}" for it in recording.failed()]
    reasons += [f"{source} {month} is not published yet" for source, month in recording.unpublished()]
    reasons += [str(remark) for remark in remarks]
    if error is not None:
        reasons.append(f"{type(error).__name__}: {one_line(error)}")
    if exit_code != 0:
        reasons = reasons or list(complaints)
    lines = reasons[:_MOST_LINES] + ([f"and {len(reasons) - _MOST_LINES} more"] if reasons[_MOST_LINES:] else [])
    lines += [f"log: {data.logs / 'pipeline.log'}"]
    return Report(f"{task} on {socket.gethostname()}: {outcome} (exit code {exit_code})", lines)
