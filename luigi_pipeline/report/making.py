"""Making the report's folder: the page, and the sites that it links to."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path

from luigi_pipeline.config.settings import Settings
from luigi_pipeline.core import folders
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.report import facts, page, questions, sites

log = logging.getLogger("luigi_pipeline.report")


def make(data: DataDir, settings: Settings) -> Path:
    """Make the report of the published data, in place of the last one.

    Args:
        data: The data dir.
        settings: The configuration.

    Returns:
        The page.

    Raises:
        PipelineError: A metric could not be queried.
    """
    answers = questions.ask(data.root)
    gathered = facts.gather(data, settings, answers)
    with folders.replacing(data.report) as new:
        linked = sites.copy(data, new)
        text = page.render(answers, gathered, linked, dt.datetime.now(dt.UTC))
        (new / "index.html").write_text(text, encoding="utf-8")
    return data.report / "index.html"
