"""Do every damage, see what catches it, and write docs/checks.md: `make mutations`."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path

# So that it runs as a script, too, beside the tests that share these modules.
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import page  # noqa: E402
from damage import Damage  # noqa: E402
from damages import DAMAGES  # noqa: E402
from workbench import Bench, Verdict  # noqa: E402


def judge_all(damages: list[Damage], workers: int) -> Iterator[tuple[str, Verdict]]:
    """Judge damages in several processes.

    Args:
        damages: What to do.
        workers: How many processes.

    Yields:
        A damage's name and its verdict, as they come; under no name, the sound sample's.
    """
    names = [damage.name for damage in damages]
    # Not forked: each has a server, and starts processes of its own.
    context = multiprocessing.get_context("spawn")
    pipes = []
    for at in range(min(workers, len(names))):
        here, there = context.Pipe(duplex=False)
        context.Process(target=_work, args=(names[at::workers], there)).start()
        there.close()
        pipes.append(here)
    while pipes:
        for pipe in wait(pipes):
            assert isinstance(pipe, Connection)
            try:
                yield pipe.recv()
            except EOFError:
                pipes.remove(pipe)


def _work(names: list[str], found: Connection) -> None:
    damages = {damage.name: damage for damage in DAMAGES}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        found.send(("", bench.clean))
        for name in names:
            found.send((name, bench.judge(damages[name])))
        bench.close()


def main() -> None:
    """Judge, tell, and write the page; rows of damages that were not chosen stay as they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="damages with this in their name")
    parser.add_argument("--new", action="store_true", help="only damages that the page does not tell of yet")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    arguments = parser.parse_args()
    verdicts = page.read()
    chosen = [damage for damage in DAMAGES if arguments.only in damage.name]
    if arguments.new:
        chosen = [damage for damage in chosen if damage.name not in verdicts]
    if not chosen:
        raise SystemExit(f"no damage has {arguments.only!r} in its name")
    started = time.monotonic()
    done = 0
    for name, verdict in judge_all(chosen, arguments.workers):
        if not name:
            if verdict.outcome != "missed":
                raise SystemExit(f"the sound sample is {verdict.outcome} by {'; '.join(verdict.by)}")
            continue
        done += 1
        verdicts[name] = page.shown(verdict)
        page.write(verdicts)
        took = f"{time.monotonic() - started:5.0f} s"
        print(f"{took}  {done:3}/{len(chosen)}  {verdict.outcome:8}{verdict.stage:13}{name}", flush=True)
    missing = [damage.name for damage in DAMAGES if damage.name not in verdicts]
    if done < len(chosen) or missing:
        raise SystemExit(f"not judged: {', '.join(missing) or 'a worker died'}")


if __name__ == "__main__":
    main()
