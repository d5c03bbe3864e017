"""docs/data_dictionary.md: every table and column, from the descriptions beside the models.

`python -m luigi_pipeline.cli.dictionary` writes the page. It reads only the .yml files of the dbt project.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from luigi_pipeline.config import project
from luigi_pipeline.core import yamlfiles
from luigi_pipeline.core.errors import PipelineError

PAGE = "docs/data_dictionary.md"
_LAYERS = {
    "marts": ("marts", "The published tables to query: facts and dimensions."),
    "semantic": ("marts", "The tables behind the metrics. They are published too."),
    "staging": ("staging", "The sources, one to one, with names, types and UTC. In the warehouse only."),
    "intermediate": ("staging", "Steps between staging and marts. In the warehouse only."),
}
_HEAD = """\
# Data dictionary

<!-- Made by `make docs` from the descriptions beside the models; edit those. -->

Names say the unit (`duration_minutes`) and the zone (`pickup_at_utc`, `pickup_at_nyc`). A **required**
column is never null. A value of a **unique** column occurs once. Types are those of the models' contracts. Views have
none.
"""


def render(folder: Path) -> str:
    """Render the page.

    Args:
        folder: The dbt project.
    """
    text = _HEAD
    for layer, (schema, about) in _LAYERS.items():
        text += f"\n## {layer.capitalize()}\n\n{about}\n"
        for model in _models(folder / "models" / layer):
            text += f"\n### {schema}.{model['name']}\n\n{_line(model.get('description'))}\n\n"
            text += "| column | type | | |\n| --- | --- | --- | --- |\n"
            text += "".join(_row(column) for column in model.get("columns") or [])
    return text


def _models(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*.yml")):
        yield from yamlfiles.read(path).get("models") or []


def _row(column: dict[str, Any]) -> str:
    rules = {rule if isinstance(rule, str) else next(iter(rule)) for rule in column.get("data_tests") or []}
    rules |= {constraint["type"] for constraint in column.get("constraints") or []}
    marks = [word for word, names in _MARKS.items() if names & rules]
    cells = (f"`{column['name']}`", column.get("data_type") or "", ", ".join(marks), _line(column.get("description")))
    return "| " + " | ".join(cells) + " |\n"


_MARKS = {"required": {"not_null"}, "unique": {"unique", "unique_text", "primary_key"}}


def _line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def main() -> int:
    """Write the page."""
    try:
        folder = project.folder()
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    (folder / PAGE).write_text(render(folder / "dbt_project"), encoding="utf-8")
    print(f"{PAGE}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
