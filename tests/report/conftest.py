"""Shared by the tests of the report: a real Chromium, and copies of what is published to change."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from browser import Look, Opened
from fixtures import Ingested
from playwright.sync_api import Browser
from support import load_settings, merged

from luigi_pipeline.config.settings import Settings
from luigi_pipeline.core.datadir import DataDir

# What metrics ask instead of trips: the sums of hours whose trips a change has taken away.
_SUMS_OF_NOTHING = """
    delete from marts.{table} as sums where not exists (
        from marts.fct_trips as trips
        where trips.trip_type = sums.trip_type and date_trunc('hour', trips.pickup_at_nyc) = sums.pickup_hour_nyc
    )
"""


@pytest.fixture
def look(browser: Browser) -> Iterator[Look]:
    """Open a page from disk: `look(path, width=390, color_scheme="dark")`."""
    contexts = []

    def look_at(path: Path, width: int = 1280, fragment: str = "", drawn: bool = True, **options: Any) -> Opened:
        options |= {"viewport": {"width": width, "height": 900}, "accept_downloads": True}
        context = browser.new_context(**options)
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.set_default_timeout(60_000)
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.on("requestfailed", lambda request: opened.failed.append(request.url))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("console", lambda said: opened.complaints.append(said.text) if said.type == "error" else None)
        opened.page.goto(path.as_uri() + fragment)
        if drawn:
            opened.page.wait_for_selector("html[data-drawn]")
        return opened

    yield look_at
    for context in contexts:
        context.close()


@pytest.fixture
def copy(published: Ingested, tmp_path: Path) -> DataDir:
    """A copy of what a report is made of, for a test to change."""
    data = DataDir(tmp_path / "data")
    for part in ("markers", "published", "validation"):
        shutil.copytree(published.data.root / part, data.root / part)
    os.chmod(data.published, 0o644)
    return data


@pytest.fixture
def change() -> Callable[[DataDir, str], None]:
    """Change the published file of a copy: `change(copy, "delete from marts.fct_trips")`."""

    def run(data: DataDir, sql: str) -> None:
        with duckdb.connect(str(data.published)) as connection:
            connection.execute(sql)
            for table in ("pickup_sums", "dropoff_sums"):
                connection.execute(_SUMS_OF_NOTHING.format(table=table))

    return run


@pytest.fixture
def settings_of(published: Ingested, tmp_path: Path) -> Callable[..., Settings]:
    """The configuration of what is published, with changes to its sources: `settings_of(citibike={...})`."""

    def read(**sources: dict[str, Any]) -> Settings:
        given = yaml.safe_load(published.config.read_text(encoding="utf-8"))
        changed = tmp_path / "changed.yaml"
        changed.write_text(yaml.safe_dump(merged(given, {"sources": sources})), encoding="utf-8")
        return load_settings(changed)

    return read
