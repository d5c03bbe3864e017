"""Validation: Great Expectations checks the built models against the expectations in config/expectations.

Great Expectations is imported only inside functions. The import takes seconds, and most commands do not need it.
"""
