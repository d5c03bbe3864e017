"""Luigi's central scheduler and its visualiser, for a data dir.

It does more than `luigid`: it keeps its state below the data dir, serves metrics and the pages that tasks link to, and
shows tasks by their titles, with finished months folded under their source.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import luigi.server
from luigi.configuration import get_config
from luigi.metrics import MetricsCollectors
from luigi.scheduler import Scheduler
from luigi.task_status import DONE
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.netutil import bind_sockets
from tornado.web import HTTPError, StaticFileHandler

from luigi_pipeline.core.datadir import DataDir

_MINUTE = 60_000  # in milliseconds, which tornado expects
# The folders that tasks link to. Landed files and the warehouse are private.
_SHOWN = ("logs", "validation", "dbt", "published")
_OF_A_MONTH = ("FetchMonth", "LoadMonth")


class FoldingScheduler(Scheduler):
    """Luigi's scheduler, with graphs that stay readable when a source has hundreds of months."""

    def dep_graph(self, task_id: str, include_done: bool = True, **kwargs: Any) -> dict[str, Any]:
        """The graph of a task and everything that it depends on.

        Finished months are folded under their source, which shows their number. The source's own graph shows them all.
        Every task is shown by its title.
        """
        graph: dict[str, Any] = super().dep_graph(task_id, include_done=include_done, **kwargs)
        root = graph.get(task_id, {}).get("name", "")
        is_of_source = root.startswith("Ingest") and root != "Ingest"
        if not is_of_source and root not in _OF_A_MONTH:
            _fold(graph)
        for task in graph.values():
            task["name"] = " ".join([task["name"], *task["params"].values()])
        return graph


def _fold(graph: dict[str, Any]) -> None:
    done = {key for key, task in graph.items() if task["name"] in _OF_A_MONTH and task["status"] == DONE}
    for key, task in graph.items():
        folded = [dep for dep in task["deps"] if dep in done]
        if folded and key not in done:
            task["deps"] = [dep for dep in task["deps"] if dep not in done]
            task["params"] = task["params"] | {"months": f"(+ {len(folded)} done)"}
    for key in done:
        del graph[key]


class Files(StaticFileHandler):
    """Pages and logs of the data dir."""

    def parse_url_path(self, url_path: str) -> str:
        """Refuse private files.

        Raises:
            HTTPError: 404.
        """
        if url_path.partition("/")[0] not in _SHOWN or url_path.endswith(".duckdb"):
            raise HTTPError(404)
        return super().parse_url_path(url_path)

    def set_extra_headers(self, path: str) -> None:
        """Make the browser show a log as text, and never from its cache."""
        self.set_header("Cache-Control", "no-cache")
        if Path(path).suffix == ".log":
            self.set_header("Content-Type", "text/plain; charset=utf-8")


def serve(data: DataDir, address: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. The state of all tasks is kept for the next start.

    Args:
        data: The data dir whose runs report here.
        address: The interface to listen on; empty for all.
        port: The port; 0 for any free one.

    Raises:
        OSError: The port is taken.
    """
    data.luigid.mkdir(parents=True, exist_ok=True)
    sockets = bind_sockets(port, address=address)
    get_config().set("scheduler", "state_path", str(data.luigid / "state.pickle"))
    scheduler = FoldingScheduler(metrics_collector=MetricsCollectors.prometheus)
    scheduler.load()
    application = luigi.server.app(scheduler)
    files = {"path": str(data.root), "default_filename": "index.html"}
    application.add_handlers(".*", [(r"/files/(.*)", Files, files)])
    HTTPServer(application).add_sockets(sockets)
    loop = IOLoop.current()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.add_callback_from_signal(loop.stop))
    PeriodicCallback(scheduler.prune, _MINUTE).start()
    PeriodicCallback(scheduler.dump, _MINUTE).start()  # so that a killed scheduler has its state at the next start
    host, port = sockets[0].getsockname()[:2]
    host = "localhost" if host in ("127.0.0.1", "0.0.0.0") else host
    print(f"the visualiser is at http://{host}:{port}/", flush=True)
    loop.start()
    scheduler.dump()
