"""The scheduler and its visualiser, seen in a real browser while a real run reports to it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fixtures import Command, Config, Ingested, Wait
from playwright.sync_api import Browser, Page, expect
from support import PROJECT, command, environment

from luigi_pipeline.core.datadir import DataDir
from luigi_pipeline.sample import Publishers

_MINUTE = 60_000  # in milliseconds, as playwright counts
_CENTRAL = {"LUIGI_CONFIG_PATH": "config/luigid.cfg"}


class Scheduler:
    """`python -m luigi_pipeline scheduler` of a data dir."""

    def __init__(self, data: DataDir) -> None:
        self._options = ["--mobility-data-dir", str(data.root)]
        self.port = "0"
        self.start()

    def start(self) -> None:
        program = [sys.executable, "-m", "luigi_pipeline", "scheduler", "--port", self.port, *self._options]
        self.process = subprocess.Popen(program, cwd=PROJECT, env=environment(), stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1]
        self.port = self.url.rstrip("/").rpartition(":")[2]

    def stop(self, *, kill: bool = False) -> None:
        (self.process.kill if kill else self.process.terminate)()
        self.process.communicate(timeout=10)

    def tasks(self, status: str) -> dict[str, Any]:
        asked = {"data": json.dumps({"status": status})}
        return dict(httpx.get(f"{self.url}api/task_list", params=asked).json()["response"])

    def page(self, page: Page, where: str = "") -> None:
        page.goto("about:blank")
        page.goto(f"{self.url}static/visualiser/index.html#{where}")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    yield opened
    opened.close()


@pytest.fixture
def scheduler(loaded: DataDir) -> Iterator[Scheduler]:
    started = Scheduler(loaded)
    yield started
    started.stop()


def run_beside(scheduler: Scheduler, *task: str, data: DataDir, config: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*task, "--scheduler-port", scheduler.port, data_dir=data.root, config=config),
        cwd=PROJECT,
        env=environment(_CENTRAL),
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_run_is_watched_from_the_first_model_to_the_data_docs(
    scheduler: Scheduler, loaded: DataDir, ingested: Ingested, page: Page, wait_until: Wait
) -> None:
    run = run_beside(scheduler, "Validate", data=loaded, config=ingested.config)
    seen: dict[str, list[tuple[str, int]]] = {"DbtBuild": [], "Validate": []}

    def watch() -> bool:
        for task in scheduler.tasks("RUNNING").values():
            told = (task["status_message"], task["progress_percentage"])
            if task["name"] in seen and None not in told and told not in seen[task["name"]]:
                seen[task["name"]].append(told)
        return run.poll() is not None

    wait_until(lambda: watch() or len(seen["DbtBuild"]) > 1, seconds=120)
    # The page as it is in the middle of the build: what the status button shows is the live message.
    scheduler.page(page)
    row = page.locator("#taskTable tbody tr", has_text="DbtBuild")
    expect(row).to_contain_text("RUNNING", timeout=_MINUTE)
    row.locator(".statusMessage").click()
    shown = page.locator("#statusMessageModal")
    expect(shown.locator("pre")).to_contain_text(re.compile(r"\(\d+ of \d+\)"), timeout=_MINUTE)
    before = int(shown.locator(".progress-bar").get_attribute("aria-valuenow") or 0)
    percentage = "parseInt(document.querySelector('#statusMessageModal .progress-bar').innerText)"
    page.wait_for_function(f"() => {percentage} > {before}")
    wait_until(watch, seconds=120)
    assert run.wait() == 0, run.communicate()[1]

    words, percentages = zip(*seen["DbtBuild"], strict=True)
    assert any(message.startswith("fct_trips (") for message in words), words
    assert list(percentages) == sorted(percentages)
    assert len(set(percentages)) > 3
    assert any(" of " in message and message.endswith(" passed") for message, _ in seen["Validate"]), seen

    scheduler.page(page)
    row = page.locator("#taskTable tbody tr", has_text="Validate")
    expect(row).to_contain_text("DONE", timeout=_MINUTE)
    with page.expect_popup() as popup:
        row.locator("a .fa-eye").click()
    expect(popup.value.locator("body")).to_contain_text("fct_trips", timeout=_MINUTE)
    popup.value.close()


def test_why_a_task_failed_stands_in_one_line_beside_it_and_its_log_is_a_click_away(
    scheduler: Scheduler, loaded: DataDir, ingested: Ingested, config: Config, page: Page
) -> None:
    missing = config("http://127.0.0.1:1", {"sources": {"citibike": {"months": ["2024-10", "2024-11", "2024-09"]}}})
    run = run_beside(scheduler, "IngestCitibike", data=loaded, config=missing)
    said = run.communicate()[1]
    assert run.returncode == 30
    scheduler.page(page)
    row = page.locator("#taskTable tbody tr", has_text="FetchMonth").filter(has_text="2024-09")
    expect(row).to_contain_text("FAILED", timeout=_MINUTE)
    row.locator(".showError").click()
    shown = page.locator("#errorModal pre").first
    expect(shown).to_contain_text("127.0.0.1", timeout=_MINUTE)
    text = shown.inner_text().strip()
    assert "\n" not in text
    assert "Traceback" not in text
    assert f"FetchMonth citibike 2024-09 failed: {text}" in said
    page.keyboard.press("Escape")
    log = loaded.logs / "tasks" / "FetchMonth" / "citibike" / "2024-09.log"
    assert text.endswith(f"log: {log}")
    page.goto(f"{scheduler.url}files/{log.relative_to(loaded.root)}")
    expect(page.locator("body")).to_contain_text("Traceback")


def test_finished_months_fold_under_their_source(
    scheduler: Scheduler, publishers: Publishers, config: Config, loaded: DataDir, page: Page
) -> None:
    file = config(publishers.url, {"sources": {"yellow_taxi": {"enabled": False}, "weather": {"enabled": False}}})
    for task in ("Ingest", "IngestCitibike"):  # one right after the other
        run = run_beside(scheduler, task, "--mobility-refresh", data=loaded, config=file)
        assert run.wait() == 0, run.communicate()[1]
    done = scheduler.tasks("DONE")
    ingest = next(key for key, task in done.items() if task["name"] == "Ingest")
    scheduler.page(page, f"tab=graph&taskId={ingest}")
    graph = page.locator("#graphPlaceholder svg")
    expect(graph).to_contain_text("IngestCitibike (+ 2 done)", timeout=_MINUTE)
    expect(graph).not_to_contain_text("LoadMonth")
    source = next(key for key, task in done.items() if task["name"] == "IngestCitibike")
    scheduler.page(page, f"tab=graph&taskId={source}")
    expect(graph).to_contain_text("LoadMonth citibike 2024-10", timeout=_MINUTE)
    expect(graph).to_contain_text("LoadMonth citibike 2024-11")


def test_tasks_outlive_the_scheduler(scheduler: Scheduler, loaded: DataDir, ingested: Ingested) -> None:
    run = run_beside(scheduler, "IngestWeather", "--force", data=loaded, config=ingested.config)
    assert run.wait() == 0, run.communicate()[1]
    assert "luigi_task_done_total" in httpx.get(f"{scheduler.url}metrics").text
    scheduler.stop()
    scheduler.start()
    assert "IngestWeather" in {task["name"] for task in scheduler.tasks("DONE").values()}


def test_a_killed_scheduler_can_be_started_again(scheduler: Scheduler) -> None:
    scheduler.stop(kill=True)
    scheduler.start()
    assert scheduler.tasks("RUNNING") == {}


@pytest.mark.parametrize("path", ["nyc_mobility.duckdb", "landing/", "logs/../nyc_mobility.duckdb", "markers/", "x"])
def test_what_is_not_for_show_is_not_served(scheduler: Scheduler, path: str) -> None:
    host, _, port = scheduler.url.removeprefix("http://").rstrip("/").partition(":")
    asked = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--path-as-is", f"http://{host}:{port}/files/{path}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout in ("403", "404")


def test_a_port_that_is_taken_is_one_line(
    scheduler: Scheduler, run_command: Command, loaded: DataDir, ingested: Ingested
) -> None:
    result = run_command("scheduler", "--port", scheduler.port, data_dir=loaded.root, config=ingested.config)
    assert result.returncode == 40
    assert result.stderr.startswith(f"error: --port {scheduler.port}: ")
    assert result.stderr.count("\n") == 1
