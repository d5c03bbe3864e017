"""The publishers: the names of their files, how to fetch them, and what the files must hold.

Nothing here knows Luigi or the warehouse. A source defines what it asks for, fetches a month to `landing/`, checks it,
and opens it into parts: flat files, each with its name, the meaning of its columns and its number of rows. registry.py
lists the sources.
"""

from luigi_pipeline.sources.base import Part, Source
from luigi_pipeline.sources.landed import Landed
from luigi_pipeline.sources.mode import Mode
from luigi_pipeline.sources.registry import BLOCKS, MODES, MONTHLY, SOURCES

__all__ = ["BLOCKS", "MODES", "MONTHLY", "SOURCES", "Landed", "Mode", "Part", "Source"]
