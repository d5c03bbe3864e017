"""The former place of `TaskProcessContext`, for a luigi.cfg of the version before. The next version is without it.

luigi.cfg's `task_process_context` is now `luigi_pipeline.run.task_process.TaskProcessContext`.
"""

from luigi_pipeline.run.task_process import TaskProcessContext

__all__ = ["TaskProcessContext"]
