"""Retries: which failures may pass, how long to wait, and when to give up."""

from __future__ import annotations

import datetime as dt
import email.utils
import logging
import random
import re
from collections.abc import Callable
from typing import TypeVar

import httpx
import tenacity

from luigi_pipeline.config.settings import Download
from luigi_pipeline.core.errors import FetchFailed, Unavailable

log = logging.getLogger("luigi_pipeline.http")

_LONGEST_WAIT = dt.timedelta(days=3650)  # so that a date can be computed from any header

T = TypeVar("T")


class Passing(Exception):
    """A failure that may pass. `wait_seconds` is the wait that the publisher asks for, if it does."""

    def __init__(self, message: str, wait_seconds: float = 0) -> None:
        """Set the message and the wait."""
        super().__init__(message)
        self.wait_seconds = wait_seconds


def retrying(attempt: Callable[[], T], policy: Download, what: str, title: str = "") -> T:
    """Repeat an attempt until it succeeds, fails for good, or all attempts are used up.

    Each failed attempt is logged in one line. The waits double, with jitter, and are never shorter than asked for.

    Args:
        attempt: Raises Passing, or one of httpx's errors, if it fails.
        policy: The number of attempts, and the waits.
        what: What is asked for, for the beginning of messages.
        title: The task that asks, for the beginning of log lines.

    Raises:
        FetchFailed: It failed for good or too often, or the publisher asked for a wait above `max_wait_seconds`.
    """

    def log_failure(state: tenacity.RetryCallState) -> None:
        number = f"attempt {state.attempt_number} of {policy.max_attempts}"
        who = f"{title}: {what}" if title else what
        log.warning("%s: %s; %s failed, next in %.0f s", who, _failure(state), number, state.upcoming_sleep)

    def wait(state: tenacity.RetryCallState) -> float:
        backoff: float = policy.backoff_seconds * 2 ** (state.attempt_number - 1)
        return max(_failure(state).wait_seconds, backoff * random.uniform(0.5, 1.5))  # random is good enough for jitter

    def gives_up(state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= policy.max_attempts or _failure(state).wait_seconds > policy.max_wait_seconds

    tries = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(Passing),
        stop=gives_up,
        wait=wait,
        before_sleep=log_failure,
        reraise=True,
    )
    try:
        return tries(lambda: _in_our_words(attempt, what))
    except Passing as error:
        # A wait that is too long within this fetch is also too long for another attempt at the task.
        kind = Unavailable if error.wait_seconds <= policy.max_wait_seconds else FetchFailed
        raise kind(f"{what}: {error}; {_advice(error.wait_seconds, policy)}") from error


def _in_our_words(attempt: Callable[[], T], what: str) -> T:
    try:
        return attempt()
    except httpx.UnsupportedProtocol as error:  # the configuration allows only http and https, so a redirect led here
        raise FetchFailed(f"{what}: is redirected to {error.request.url}; only http and https are fetched") from error
    except httpx.TooManyRedirects as error:
        raise FetchFailed(f"{what}: is redirected again and again, last to {error.request.url}") from error
    except httpx.InvalidURL as error:
        raise FetchFailed(f"{what}: it, or where it redirects to, is not a URL ({error})") from error
    except httpx.TimeoutException as error:
        raise Passing("no answer in time") from error
    except httpx.TransportError as error:
        raise Passing(str(error) or type(error).__name__) from error


def _failure(state: tenacity.RetryCallState) -> Passing:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, Passing) else Passing(str(error))


def _advice(asked_seconds: float, policy: Download) -> str:
    if asked_seconds <= policy.max_wait_seconds:
        return "gave up, run again later"
    wait = min(dt.timedelta(seconds=min(asked_seconds, 1e9)), _LONGEST_WAIT)
    until = dt.datetime.now(dt.UTC) + wait
    return (
        f"gave up, as that is a wait of {asked_seconds:,.0f} s, over download.max_wait_seconds; "
        f"run again after {until:%Y-%m-%d %H:%M} UTC"
    )


def wait_seconds(retry_after: str | None, text: str, now: dt.datetime) -> float:
    """How long a publisher asks to wait, by Retry-After or by the limit that Open-Meteo's text names.

    Open-Meteo's limits end with the minute, the hour or the UTC day.
    """
    if retry_after:
        return _by_header(retry_after.strip(), now)
    if "Minutely API request limit" in text:
        return 60
    if "Hourly API request limit" in text:
        return 3600 - now.minute * 60 - now.second + 1
    if "Daily API request limit" in text:
        midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), dt.UTC)
        return (midnight - now).total_seconds() + 1
    return 0


def _by_header(retry_after: str, now: dt.datetime) -> float:
    if re.fullmatch(r"[0-9]+", retry_after):
        return float(retry_after[:12])
    try:
        until = email.utils.parsedate_to_datetime(retry_after)
        if until.tzinfo is None:  # dates in HTTP are always in GMT
            until = until.replace(tzinfo=dt.UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, OverflowError):
        return 0
