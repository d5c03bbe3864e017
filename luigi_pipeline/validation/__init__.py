"""Validation: the expectations in config/expectations, run by Great Expectations on the built models.

Great Expectations is imported inside functions only: it costs seconds, and most commands never need it.
"""
