"""What any other room may use: months, the data dir's layout, errors, redaction, files. It imports no other room."""
