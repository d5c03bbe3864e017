"""Great Expectations without its output and without its telemetry."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from luigi_pipeline.config import surroundings


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress the log lines, warnings and usage reports of Great Expectations while the body runs.

    Its results hold all that matters. Enter this before the first import of Great Expectations.
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
