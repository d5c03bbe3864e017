"""Say what a run would do, and why each part of it is missing or stale.

It reads only markers, and changes nothing. It learns of a new version of a month after a run has asked its publisher.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import luigi

import luigi_pipeline
from luigi_pipeline.run.run import Run
from luigi_pipeline.state import latest
from luigi_pipeline.tasks import ingest
from luigi_pipeline.tasks.base import MobilityTask


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    names = list(_roots())
    parser.add_argument("task", nargs="?", default="Publish", choices=names, help="the task (default: %(default)s)")
    parser.add_argument("--mobility-refresh", action="store_true", help="plan a run that asks for all months again")
    parser.add_argument("--json", action="store_true", help="print a list of {task, why} as JSON")


def run(options: argparse.Namespace) -> int:
    """Print each task that would run, with the reason."""
    look = Run.current()
    known = latest.describe(look.settings, look.data)
    todo = plan(_roots()[options.task]())
    if options.json:
        print(json.dumps([{"task": task, "why": why} for task, why in todo], indent=2))
        return 0
    for line in known:
        print(line)
    if not todo:
        print(f"{options.task} is complete: there is nothing to do")
        return 0
    width = max(len(task) for task, _ in todo)
    for task, why in todo:
        print(f"{task:<{width}}  {why}")
    if look.found_unknown_warehouse:
        print(f"{look.data.warehouse} has changed since the last run: the next one first looks what it holds")
    return 0


def plan(root: MobilityTask) -> list[tuple[str, str]]:
    """What a run of a task would do.

    Returns:
        Title and reason of each task that is not complete. A task comes after the tasks that it requires.
    """
    reasons: dict[str, str] = {}
    _walk(root, reasons)
    return list(reasons.items())


def _walk(task: MobilityTask, reasons: dict[str, str]) -> None:
    if task.title in reasons or task.complete():
        return
    required: list[Any] = luigi.task.flatten(task.requires())
    for upstream in required:
        _walk(upstream, reasons)
    waits_for = [upstream.title for upstream in required if upstream.title in reasons]
    after = f"after {waits_for[0]}" + (f" and {len(waits_for) - 1} more" if waits_for[1:] else "") if waits_for else ""
    reasons[task.title] = task.reason() or after


def _roots() -> dict[str, type[MobilityTask]]:
    tasks = [*(getattr(luigi_pipeline, name) for name in luigi_pipeline.__all__), *ingest.TASKS.values()]
    return {task.task_family: task for task in tasks if not any(it.significant for _, it in task.get_params())}
