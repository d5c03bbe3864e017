"""What a run shows and records: console lines, log files, progress, the terminal, the standard streams."""
