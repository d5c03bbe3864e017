"""What `python -m luigi_pipeline` can do besides running tasks: one module per command.

Each has `configure(parser)`, which adds its options, and `run(options)`, which returns the exit code; its docstring's
first line is its help. They import what they need in `run`, so that help is quick.
"""
