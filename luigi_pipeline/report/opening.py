"""`make open`: show the newest report in the browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path

from luigi_pipeline.core.datadir import DataDir, relative


def main() -> int:
    """Show the report, and print its path, because not every machine has a browser.

    Returns:
        1 if there is no report.
    """
    folders = [Path(os.environ.get("MOBILITY_DATA_DIR", "data")).expanduser(), Path("data/demo")]
    pages = [page for folder in folders if (page := DataDir(folder.resolve()).report / "index.html").is_file()]
    if not pages:
        print("error: there is no report yet; make demo, or luigi --module luigi_pipeline Publish", file=sys.stderr)
        return 1
    newest = max(pages, key=lambda page: page.stat().st_mtime)
    print(relative(newest))
    webbrowser.open(newest.as_uri())
    return 0


if __name__ == "__main__":
    sys.exit(main())
