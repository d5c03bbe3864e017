"""Great Expectations without its output and without its telemetry."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from luigi_pipeline.config import surroundings


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Great Expectations' log lines, warnings and usage reports away while it works.

    What it has to say is in its results. Must be entered before it is imported the first time.
    """
    logger = logging.getLogger("great_expectations")
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    try:
        with surroundings.closed(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        logger.propagate = propagate
