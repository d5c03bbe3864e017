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
    """What goes wrong, for which requests, and how often.

    Attributes:
        part: A part of the URL's path or query. Requests that contain it are struck; the empty text strikes all.
        kind: `status` answers with a status; `garbage` with an HTML page and status 200; `redirect` with status 302;
            `truncate` closes the connection in the middle of the body; `reset` resets it there; `stall` pauses there
            for `seconds`; `slow` spreads the whole body over `seconds`.
        times: The number of answers that it spoils.
        method: GET or HEAD; None for both.
        status: The status to answer with, for `status`.
        body: The body to answer with, for `status` and `garbage`.
        content_type: The type of that body.
        retry_after: The Retry-After header, for `status`.
        location: The target, for `redirect`; None for the same path.
        sent: The share of the body that is sent before it breaks, 0 to 1.
        with_length: Whether `truncate` announces the length of the whole body. Without it, the client can't see that
            something is missing.
        seconds: How long `stall` and `slow` take.
        etag: Replaces a file's ETag; an empty one is not sent at all.
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
        """Refuse an unknown kind."""
        if self.kind not in KINDS:
            raise ValueError(f"fault kind {self.kind!r} is none of {', '.join(KINDS)}")


@dataclass
class Faults:
    """The faults that wait for a request, in the order in which they were added."""

    _waiting: list[tuple[Fault, list[int]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        """Add a fault, which waits for its requests."""
        with self._lock:
            self._waiting.append((fault, [fault.times]))

    def take(self, method: str, target: str) -> Fault | None:
        """The fault that strikes a request for a path and query. It is used up by one."""
        with self._lock:
            for fault, left in self._waiting:
                if left[0] > 0 and fault.part in target and fault.method in (None, method):
                    left[0] -= 1
                    return fault
        return None

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._waiting.clear()
