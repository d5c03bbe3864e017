"""Asks one metric, and prints its rows and which of the pipeline's libraries that took."""

import sys

from luigi_pipeline import metrics

assert "metricflow" not in sys.modules
print(metrics.query("total_trips").num_rows, sorted({"dbt", "dlt", "pandas"} & set(sys.modules)))
