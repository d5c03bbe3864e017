"""Make the pictures in the README: `make pictures`, which needs Chromium.

The offline sample is published below data/pictures, against a scheduler that is started for it; then the report,
as light and dark, and Luigi's visualiser, with the graph of the run, are looked at in a real browser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, sync_playwright
from rich.console import Console

from luigi_pipeline.cli.demo import publish_sample
from luigi_pipeline.config import project
from luigi_pipeline.core.datadir import DataDir

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_WIDTH, _HEIGHT = 1280, 1260
_GRAPH: ViewportSize = {"width": 2060, "height": 620}
_SECONDS = 60


def main() -> int:
    """Make them.

    Returns:
        The exit code of the run, or 1 where there is no browser.
    """
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        print("error: there is no Chromium; install it, and run again", file=sys.stderr)
        return 1
    folder, console = project.folder(), Console(highlight=False)
    data = DataDir(folder / "data" / "pictures")
    shutil.rmtree(data.root, ignore_errors=True)
    pictures = folder / "docs" / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    with _scheduler(folder, data) as url:
        os.environ["LUIGI_CONFIG_PATH"] = "config/luigid.cfg"
        code = publish_sample(folder, data, console, options=["--scheduler-url", url])
        if code:
            return code
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=_OPTIONS)
            _report(browser, data, pictures)
            _visualiser(browser, url, pictures)
            browser.close()
    for picture in sorted(pictures.glob("*.png")):
        console.print(f"{picture.relative_to(folder)}: {picture.stat().st_size / 1000:,.0f} kB")
    return 0


@contextmanager
def _scheduler(folder: Path, data: DataDir) -> Iterator[str]:
    """The central scheduler of the data dir."""
    options = ["--port", "0", "--mobility-data-dir", str(data.root)]
    command = [sys.executable, "-m", "luigi_pipeline", "scheduler", *options]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        try:
            yield started.stdout.readline().split()[-1].rstrip("/")
        finally:
            started.terminate()


def _report(browser: Browser, data: DataDir, pictures: Path) -> None:
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme=scheme)
        page.goto((data.report / "index.html").as_uri())
        page.wait_for_selector("html[data-drawn]")
        page.screenshot(path=pictures / f"report_{scheme}.png")
        if scheme == "light":
            page.locator("#weather").screenshot(path=pictures / "report_weather.png")
        page.close()


def _visualiser(browser: Browser, url: str, pictures: Path) -> None:
    """The graph of the run, as luigid shows it: all tasks below Publish, finished months folded under their source."""
    page = browser.new_page(viewport=_GRAPH, device_scale_factor=0.75)
    page.goto(f"{url}/static/visualiser/index.html#tab=graph&taskId=Publish__99914b932b&visType=d3&hideDone=0")
    page.wait_for_selector("#graphContainer svg .node, #graphContainer svg g", timeout=_SECONDS * 1000)
    page.wait_for_timeout(2000)  # for the graph to come to rest
    page.screenshot(path=pictures / "visualiser.png")
    page.close()


if __name__ == "__main__":
    sys.exit(main())
