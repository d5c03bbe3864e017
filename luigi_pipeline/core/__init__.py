"""What any other room may use: months, the data dir's layout, errors, redaction, files and digests. Imports no room."""
