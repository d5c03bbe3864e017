"""Telling people of a run by email and to a chat, if the configuration asks for it: one message per run at the most."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from luigi.notifications import email, send_email

from luigi_pipeline.config.settings import Alerts
from luigi_pipeline.core.errors import one_line
from luigi_pipeline.run.account import Report

log = logging.getLogger("luigi_pipeline.alerts")


def send(report: Report, alerts: Alerts) -> bool:
    """Send a report to all that the configuration names, side by side.

    Nothing that goes wrong here, nor a server that does not answer, holds up or fails a run.

    Args:
        report: The report.
        alerts: The configuration's `alerts` block.

    Returns:
        Whether it may have reached anyone: whether a server took it is not always known.
    """
    taken: list[str] = []
    ways: list[tuple[str, Callable[[], None]]] = []
    if alerts.email:
        ways.append((f"email to {', '.join(alerts.email)}", lambda: _mail(report, alerts.email)))
    if alerts.webhook:
        ways.append(("webhook", lambda: _post(report, str(alerts.webhook), alerts.timeout_seconds)))
    # Daemons: one that hangs, in a look-up of a name say, is left behind when the process ends.
    threads = [threading.Thread(target=_attempt, args=(*way, taken), daemon=True) for way in ways]
    for thread in threads:
        thread.start()
    for thread, (name, _) in zip(threads, ways, strict=True):
        thread.join(alerts.timeout_seconds)
        if thread.is_alive():
            log.warning("alert by %s: no answer in %.0f s; not sent", name, alerts.timeout_seconds)
    return bool(taken)


def _attempt(name: str, act: Callable[[], None], taken: list[str]) -> None:
    try:
        act()
        taken.append(name)
    except Exception as error:  # whatever it is, it is not the run's
        log.warning("alert by %s: not sent (%s: %s)", name, type(error).__name__, one_line(error))


def _mail(report: Report, recipients: Sequence[str]) -> None:
    """Send by Luigi's own means: the server is that of luigi.cfg's [smtp], or what [email] says instead."""
    send_email(report.title, str(report), email().sender, list(recipients))


def _post(report: Report, url: str, timeout_seconds: float) -> None:
    from luigi_pipeline.sources import proxies

    # The path is the hook's secret. httpx would tell it at level info, which config/logging.cfg leaves out.
    with proxies.client(timeout=timeout_seconds) as client:
        response = client.post(url, json={"text": str(report)})
    if response.is_error:
        raise ConnectionError(f"HTTP {response.status_code}")
