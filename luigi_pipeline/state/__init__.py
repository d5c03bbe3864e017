"""What is done: markers, which warehouse holds it, the newest months, findings, and the history of runs."""
