"""An offline sample: generated files as TLC, CitiBike and Open-Meteo publish them, and a server for them.

`generate` writes a folder of files. `Publishers` serves such a folder on loopback.
"""

from luigi_pipeline.sample.faults import Fault
from luigi_pipeline.sample.generator import generate
from luigi_pipeline.sample.server import SERVED, Publishers, Request

__all__ = ["SERVED", "Fault", "Publishers", "Request", "generate"]
