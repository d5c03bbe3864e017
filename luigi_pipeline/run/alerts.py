"""Sending a report on a run by email and to a chat, if the configuration asks for it. A run sends one at most."""

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
    """Send a report to every address that the configuration names, in parallel.

    An error, or a server that does not answer, neither delays nor fails the run.

    Args:
        report: The report.
        alerts: The configuration's `alerts` block.

    Returns:
        Whether it may have reached anyone. It is not always known whether a server took it.
    """
    taken: list[str] = []
    ways: list[tuple[str, Callable[[], None]]] = []
    if alerts.email:
        ways.append((f"email to {', '.join(alerts.email)}", lambda: _mail(report, alerts.email)))
    if alerts.webhook:
        ways.append(("webhook", lambda: _post(report, str(alerts.webhook), alerts.timeout_seconds)))
    # Daemon threads: one that hangs, for example in a DNS look-up, is abandoned when the process ends.
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
    except Exception as error:  # no error of an alert may fail the run
        log.warning("alert by %s: not sent (%s: %s)", name, type(error).__name__, one_line(error))


def _mail(report: Report, recipients: Sequence[str]) -> None:
    """Send with Luigi's own email functions. The server is that of luigi.cfg's [smtp], or of [email]."""
    send_email(report.title, str(report), email().sender, list(recipients))


def _post(report: Report, url: str, timeout_seconds: float) -> None:
    from luigi_pipeline.sources import proxies

    # The path of the URL is a secret. httpx would log it at level info, which config/logging.cfg switches off.
    with proxies.client(timeout=timeout_seconds) as client:
        response = client.post(url, json={"text": str(report)})
    if response.is_error:
        raise ConnectionError(f"HTTP {response.status_code}")
