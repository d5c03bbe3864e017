"""Faults that tests ask the server for."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["status", "garbage", "redirect", "truncate", "reset", "stall", "slow"]
KINDS: tuple[Kind, ...] = ("status", "garbage", "redirect", "truncate", "reset", "stall", "slow")
GARBAGE = b"<!DOCTYPE html>\n<html><body><h1>We'll be right back</h1></body></html>\n"


@dataclass(frozen=True)
class Fault:
    """What goes wrong, for whom, and how often.

    Attributes:
        part: Part of the URL's path or query that it strikes; an empty part strikes all.
        kind: `status` answers with a status; `garbage` with an HTML page and status 200;
            `redirect` with status 302; `truncate` closes the connection in the middle of the
            body, `reset` breaks it there, `stall` says no more there for `seconds`; `slow` sends
            the whole body over `seconds`.
        times: Answers it spoils before it goes away.
        method: GET or HEAD alone; None for both.
        status: Status to answer with, for `status`.
        body: Body to answer with, for `status` and `garbage`.
        content_type: Type of that body.
        retry_after: Retry-After header, for `status`.
        location: Where to, for `redirect`; None for the same path.
        sent: Share of the body that goes out before it breaks, 0 to 1.
        with_length: Whether `truncate` says how long the body would have been. Without it the
            client cannot see that something is missing.
        seconds: How long `stall` and `slow` take.
        etag: What is sent in place of a file's ETag; an empty one is not sent at all.
        ignores_range: Whether a file is sent from its beginning, whatever range was asked for.
    """

    part: str
    kind: Kind = "status"
    times: int = 1
    method: str | None = None
    status: int = 503
    body: bytes = b""
    content_type: str = "text/html"
    retry_after: str | int | None = None
    location: str | None = None
    sent: float = 0.5
    with_length: bool = True
    seconds: float = 30.0
    etag: str | None = None
    ignores_range: bool = False

    def __post_init__(self) -> None:
        """Refuse a kind that nothing answers to."""
        if self.kind not in KINDS:
            raise ValueError(f"fault kind {self.kind!r} is none of {', '.join(KINDS)}")


@dataclass
class Faults:
    """The faults that wait for a request, first come first served."""

    _waiting: list[tuple[Fault, list[int]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its requests."""
        with self._lock:
            self._waiting.append((fault, [fault.times]))

    def take(self, method: str, target: str) -> Fault | None:
        """The fault that strikes a request for a path and query, used up by one."""
        with self._lock:
            for fault, left in self._waiting:
                if left[0] > 0 and fault.part in target and fault.method in (None, method):
                    left[0] -= 1
                    return fault
        return None

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._waiting.clear()
