"""Imports Great Expectations as the validation does, and prints what of scipy that took, and that scipy still works."""

import sys

from luigi_pipeline.validation import importing

library = importing.great_expectations()
print(type(sys.modules["scipy.stats"]).__name__, "scipy.stats._stats_py" in sys.modules)
print(sys.modules["scipy.stats"].norm.cdf(0), type(library).__name__)
