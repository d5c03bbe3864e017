"""What a person at a terminal sees of a run: its log lines, and below them a progress bar for each longer task.

Tasks run in processes of their own. One process draws, and all others send it lines of JSON through a pipe. The lines
are short enough for a pipe to take each one whole. The drawing process is forked before anything else runs, and lives
as long as any process that writes to it.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from contextlib import ExitStack
from typing import Any, ClassVar

_LONGEST = 1900  # bytes of a line's text; as JSON it stays below the 4,096 bytes that a pipe takes at once


class _Drawing:
    """What this process knows of the process that draws: the end of its pipe, and its PID if this one is to end it."""

    pipe: ClassVar[int | None] = None
    drawer: ClassVar[int | None] = None


def open_if_any() -> None:
    """Start to draw, if stderr is a terminal that supports it."""
    if _Drawing.pipe is not None or not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return
    reading, writing = os.pipe()
    sys.stderr.flush()
    drawer = os.fork()
    if drawer == 0:
        os.close(writing)
        _draw_and_exit(reading)
    os.close(reading)
    _Drawing.pipe, _Drawing.drawer = writing, drawer


def close() -> None:
    """Draw what is left and release the terminal. Only the process that opened it does this."""
    if _Drawing.pipe is None or _Drawing.drawer is None:
        return
    _send({"close": True})
    os.close(_Drawing.pipe)
    os.waitpid(_Drawing.drawer, 0)
    _Drawing.pipe = _Drawing.drawer = None


def in_child() -> None:
    """Leave the closing of the terminal to the process that forked this one."""
    _Drawing.drawer = None


def show_line(text: str, level: str = "") -> bool:
    """Show a line of text above the bars.

    Returns:
        Whether a terminal shows it.
    """
    return all(_send({"line": _cut(line), "level": level}) for line in text.splitlines() or [""])


def show_progress(title: str, message: str, fraction: float) -> None:
    """Show how far a task is."""
    _send({"title": title, "message": _cut(message), "fraction": fraction})


def end_progress(title: str) -> None:
    """Remove a task's bar."""
    _send({"title": title, "message": "", "fraction": None})


def _cut(text: str) -> str:
    return text.encode()[:_LONGEST].decode(errors="ignore")


def _send(what: dict[str, Any]) -> bool:
    if _Drawing.pipe is None:
        return False
    try:
        os.write(_Drawing.pipe, json.dumps(what, ensure_ascii=False).encode() + b"\n")
    except OSError:  # the drawing process was killed
        return False
    return True


def _draw_and_exit(pipe: int) -> None:
    """Draw until every writer has ended. Signals that end the run are ignored, so that its last lines are seen."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    try:
        _draw(pipe)
    finally:
        os._exit(0)


def _draw(pipe: int) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    styles = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
    columns = (
        TextColumn("{task.fields[title]}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    bars: dict[str, TaskID] = {}
    with os.fdopen(pipe, encoding="utf-8") as lines, ExitStack() as stack:
        first = next(lines, "")
        if not first or "close" in json.loads(first):
            return  # nothing to draw: the command may only have asked a question
        progress = stack.enter_context(Progress(*columns, console=console, transient=True))
        for line in itertools.chain([first], lines):
            try:
                message = json.loads(line)
            except ValueError:  # an incomplete line of a writer that was killed
                continue
            if "close" in message:
                break
            if "line" in message:
                console.print(message["line"], style=styles.get(message["level"]), markup=False)
            elif message["fraction"] is None:
                if message["title"] in bars:
                    progress.remove_task(bars.pop(message["title"]))
            else:
                title = message["title"]
                if title not in bars:
                    bars[title] = progress.add_task("", total=1, title=title)
                progress.update(bars[title], completed=message["fraction"], description=message["message"])
