"""The notice on a published page that a newer validation failed, and that the page shows the last good version.

The page is one file without a server, so the notice is written into it, between two comments at its top. An error here
never changes the result of the validation.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Sequence

from luigi_pipeline.core.clock import utc_now
from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.core.files import write_atomically

log = logging.getLogger("luigi_pipeline.report")

BEGIN, END = "<!-- newest validation -->", "<!-- end of newest validation -->"
_MOST = 5


def show(data: DataDir, failures: Sequence[str]) -> None:
    """Show at the top of the page which checks have failed since it was made. If none has, remove the notice.

    Args:
        data: The data dir. If it has no page, nothing happens.
        failures: The expectations that do not hold, a line each.
    """
    page = data.report / "index.html"
    try:
        before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            return
        text = before + BEGIN + (_notice(failures) if failures else "") + END + after
        if text != before + begin + rest:
            write_atomically(page, text.encode())
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        log.warning("%s: the notice on the newest validation could not be written; see the log", page, exc_info=True)


def _notice(failures: Sequence[str]) -> str:
    items = "".join(f"<li>{html.escape(line)}</li>" for line in failures[:_MOST])
    more = f"<p>And {len(failures) - _MOST} more.</p>" if failures[_MOST:] else ""
    count = "One check does" if len(failures) == 1 else f"{len(failures)} checks do"
    return (
        '<section class="notice critical" role="alert" aria-labelledby="failed"><h2 id="failed">The newest validation '
        f"failed</h2><p>{count} not hold on the newest data ({utc_now()[:16].replace('T', ' ')} UTC), so they were not "
        f"published. This page and the published file are the last version that passed its checks.</p><ul>{items}</ul>"
        f"{more}</section>"
    )
