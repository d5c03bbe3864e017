"""What a run says and where: lines and log files, progress, the terminal, the standard streams."""
