"""Do every damage, see what catches it, and write docs/checks.md: `make mutations`."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from bench import Bench, Verdict  # noqa: E402
from damage import Damage  # noqa: E402
from damages import DAMAGES  # noqa: E402


def _work(names: list[str], found: Connection) -> None:
    damages = {damage.name: damage for damage in DAMAGES}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        found.send(("", bench.clean))
        for name in names:
            try:
                found.send((name, bench.judge(damages[name])))
            except Exception as error:
                if not Path(folder, "base").exists():
                    raise
                found.send((name, Verdict("missed", "ERROR", (str(error)[-1500:],))))
        bench.close()
    found.close()


def judge_all(damages: list[Damage], workers: int) -> Iterator[tuple[str, Verdict]]:
    """Judge damages in several processes, as they come; first of all, under no name, the sound sample."""
    names = [damage.name for damage in damages]
    context = multiprocessing.get_context("spawn")
    pipes = []
    for at in range(workers):
        here, there = context.Pipe(duplex=False)
        context.Process(target=_work, args=(names[at::workers], there)).start()
        there.close()
        pipes.append(here)
    while pipes:
        for pipe in multiprocessing.connection.wait(pipes):
            try:
                yield pipe.recv()
            except EOFError:
                pipes.remove(pipe)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="damages whose name has this in it")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    chosen = [damage for damage in DAMAGES if arguments.only in damage.name]
    started = time.monotonic()
    verdicts = {}
    for name, verdict in judge_all(chosen, arguments.workers):
        verdicts[name] = verdict
        print(
            f"{time.monotonic() - started:6.0f} s  {verdict.outcome:8} {verdict.stage:13} {name or '(none)'}: {' | '.join(verdict.by)[:300]}",
            flush=True,
        )


if __name__ == "__main__":
    main()
