"""What people type beside luigi: the commands of `python -m luigi_pipeline`, the demo, and the making of docs/.

A command is one module. It has `configure(parser)`, which adds its options, and `run(options)`, which returns the exit
code; its docstring's first line is its help. It imports what is slow to import in functions, so that help is quick.
"""
