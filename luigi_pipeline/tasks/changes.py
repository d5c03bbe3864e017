"""Which months of trips have changed since everything about them held."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from luigi_pipeline.markers import Marker
from luigi_pipeline.months import is_month
from luigi_pipeline.settings import MODES
from luigi_pipeline.tasks.base import shortened
from luigi_pipeline.validation.months import Changed

BUILD = "the build"


def changed_months(
    last: Marker | None, build: Marker | None, inputs: dict[str, Any], expected: list[str], selected_at: str
) -> Changed | None:
    """The months that have changed since a validation, where that is certain.

    Args:
        last: The marker that the validation left, as only one that succeeds does; None if it left none.
        build: The marker of the build that is to be validated. Of its details, `since` is the fingerprint of the build
            that it went on from, and `rebuilt` are the months that it made anew, by mode.
        inputs: What the validation that is about to begin goes by.
        expected: The sources whose rows are expected.
        selected_at: When models were last built by selection.

    Returns:
        What has changed; None where all months are to be looked at.
    """
    if last is None or build is None or build.fingerprint != inputs[BUILD]:
        return None
    since, rebuilt = build.details.get("since"), _months(build.details.get("rebuilt"))
    # The build that the last validation saw, and all else as it is now.
    then = shortened({**inputs, BUILD: since})
    if not isinstance(since, str) or rebuilt is None or last.inputs != then:
        return None
    if last.details.get("sources") != sorted(expected) or selected_at > last.started_at:
        return None
    if last.versions.get("great_expectations") != version("great_expectations"):
        return None
    known, not_held = _months(last.details.get("known_months")), last.details.get("not_held")
    if known is None or not isinstance(not_held, list):
        return None
    return Changed(rebuilt, known, frozenset(map(str, not_held)))


def _months(value: Any) -> dict[str, list[str]] | None:
    """Months by mode; None where it is anything else."""
    if not isinstance(value, dict) or not set(value) <= set(MODES):
        return None
    months: dict[str, list[str]] = {}
    for mode in MODES:
        of_mode = value.get(mode, [])
        if not isinstance(of_mode, list) or not all(isinstance(month, str) and is_month(month) for month in of_mode):
            return None
        months[mode] = sorted(set(of_mode))
    return months
