"""Which models and tests belong to a build. A build that left out any of them has failed, whatever dbt reports."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from luigi_pipeline.core.errors import BuildFailed, one_line

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

_DONE = ("success", "pass", "warn")


def of(manifest: Manifest, select: str, options: list[str]) -> set[str]:
    """Ids of the models and data tests of a build: all that are enabled in the project, or those of a selection.

    Args:
        manifest: The project.
        select: The models, in dbt's selection syntax; all if it is empty.
        options: dbt's options.

    Raises:
        BuildFailed: There is no such model.
    """
    if not select:
        return {key for key in manifest.nodes if key.startswith(("model.", "test."))}
    from dbt.cli.main import dbtRunner

    kinds = ["--resource-type", "model", "--resource-type", "test"]
    form = ["--output", "json", "--output-keys", "unique_id"]
    result = dbtRunner(manifest=manifest).invoke(["list", "--select", select, *kinds, *form, *options])
    if not result.success:
        raise BuildFailed(f"--select {select}: {one_line(result.exception)}")
    listed = {json.loads(line)["unique_id"] for line in cast("list[str]", result.result or [])}
    if not listed:
        known = ", ".join(sorted(node.name for key, node in manifest.nodes.items() if key.startswith("model.")))
        raise BuildFailed(f"--select {select}: there is no such model; there are {known}")
    return listed


def left_out(selected: set[str], results: Iterable[Any]) -> list[str]:
    """Names of the models that were not built and of the tests that were not run.

    Args:
        selected: Ids of the models and tests of the build.
        results: dbt's results.
    """
    done = {item.node.unique_id for item in results if item.status in _DONE}
    return sorted(key.split(".")[2] for key in selected - done)
