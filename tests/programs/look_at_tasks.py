"""Makes the tasks, asks which are complete, and prints the graph and what that took as JSON."""

import json
import sys
from typing import Any

import luigi
from luigi.task import flatten

from luigi_pipeline import DbtBuild, Ingest, Publish, Validate

graph: dict[str, list[str]] = {}
resources: dict[str, dict[str, Any]] = {}


def name(task: luigi.Task) -> str:
    """A task and its parameters."""
    return " ".join([task.task_family, *task.to_str_params().values()])


def walk(task: luigi.Task) -> None:
    """Note a task and all that it requires."""
    graph[name(task)] = [name(required) for required in flatten(task.requires())]
    resources[name(task)] = task.process_resources()
    for required in flatten(task.requires()):
        walk(required)


for root in (Publish(), Ingest()):
    walk(root)
complete = [task.complete() for task in (DbtBuild(), Validate(), Publish(), Ingest())]
print(json.dumps({"graph": graph, "resources": resources, "complete": complete, "modules": sorted(sys.modules)}))
