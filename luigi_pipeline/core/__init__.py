"""Helpers for all other folders: months, the data dir's layout, errors, redaction, files. It imports none of them."""
