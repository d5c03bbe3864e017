"""Prints as JSON what goes by the registry of sources, for the configuration that the environment names."""

import json
from typing import Any

from luigi_pipeline.cli import overview
from luigi_pipeline.report import datasets, facts
from luigi_pipeline.report.charts import drawing
from luigi_pipeline.report.questions import WITH_FARES, WITH_ZONES
from luigi_pipeline.run.run import Run
from luigi_pipeline.tasks import build
from luigi_pipeline.validation.plausibility import Statistic
from luigi_pipeline.validation.suites import Suite

config, data = Run.current().settings, Run.current().data
item = {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 1}, "why": "There is one row."}
suite = Suite.model_validate({"name": "stg", "schema": "staging", "source": "ferry", "expectations": [item]})
bound: dict[str, Any] = {
    "source": "ferry",
    "statistic": "trips",
    "why": "The ferry lay in port.",
    "according_to": "nobody",
}
bound["bounds"] = [{"least": 1.0}]
modes = list(datasets.MODES.values())


def scale(channel: Any) -> Any:
    """What a channel of a chart gives each mode."""
    return channel.to_dict()["scale"]


print(
    json.dumps(
        {
            "blocks": list(config.sources.model_dump()),
            "min_rows": config.validation.min_rows.model_dump(),
            "accepted": [it.source for it in config.validation.accepted],
            "variables": build._variables(config),
            "overview": [str(column.header) for column in overview.rows_table(data).columns],
            "names": facts.NAMES,
            "colours": scale(drawing.colour(modes)),
            "dashes": scale(drawing.dash(modes)),
            "shapes": scale(drawing.shape(modes)),
            "nouns": datasets.SHORT_NAMES,
            "with": [WITH_FARES, WITH_ZONES],
            "checked": [suite.source, *Statistic.model_validate(bound).source],
        }
    )
)
