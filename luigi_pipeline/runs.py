"""The old place of `TaskProcessContext`, for a luigi.cfg of the previous version. The next version removes it.

luigi.cfg's `task_process_context` is now `luigi_pipeline.run.task_process.TaskProcessContext`.
"""

from luigi_pipeline.run.task_process import TaskProcessContext

__all__ = ["TaskProcessContext"]
