"""What people type beside luigi: the commands of `python -m luigi_pipeline`, the demo, and the generators of docs/.

A command is one module. `configure(parser)` adds its options, and `run(options)` returns the exit code. The first line
of its docstring is its help. Slow imports are inside functions, so that help is quick.
"""
