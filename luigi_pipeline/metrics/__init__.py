"""Querying the metrics of the published marts, from Python or, with `python -m luigi_pipeline metrics`, from a shell.

    from luigi_pipeline import metrics

    metrics.query(["total_trips", "citibike_mode_share_pct"], by=["pickup_borough", "trip_date__week"])

The definitions are MetricFlow's, beside the models below dbt_project/models/. The published file holds the definitions
that it was built with, so a query needs neither the dbt project nor dbt.
"""

from luigi_pipeline.metrics.asking import dimensions, find, list_metrics, query
from luigi_pipeline.metrics.definitions import Metric
from luigi_pipeline.metrics.names import Attribute

__all__ = ["Attribute", "Metric", "dimensions", "find", "list_metrics", "query"]
