"""What is done: markers, the identity of the warehouse, the newest published months, findings, the history of runs."""
