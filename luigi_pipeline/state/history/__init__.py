"""What became of every run and task, kept in a small SQLite file below the data dir.

It is written through Luigi's events, by the run's own process and those of its tasks, and never in the way of a run.
"""
