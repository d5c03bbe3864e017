"""The warehouse: the only place that knows which engine holds it and how a month gets into it."""
