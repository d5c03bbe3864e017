"""An HTTP server on loopback that replaces the three publishers."""

from __future__ import annotations

import copy
import io
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from luigi_pipeline.sample import archive, bucket, objects
from luigi_pipeline.sample.faults import GARBAGE, Fault, Faults

BUCKET = "/tripdata"
ARCHIVE = "/v1/archive"
# The sources that the sample has files of, and the path of each one's `base_url`.
SERVED = {"yellow_taxi": "", "citibike": BUCKET, "weather": ARCHIVE}
_CHUNK = 64 * 1024
_SLOW_PIECES = 20


class Request(NamedTuple):
    """A request as the server saw it, with the status of the answer."""

    method: str
    path: str
    query: dict[str, str]
    range: str | None
    if_none_match: str | None
    status: int


class Publishers:
    """Serves a folder of published files as their publishers do.

    `url` is TLC's CDN (`/trip-data/...`, `/misc/...`; a missing file gives 403). `url + "/tripdata"` is CitiBike's
    bucket (it can be listed; a missing key gives 404). `url + "/v1/archive"` is Open-Meteo's archive, from
    `archive/YYYY.json` in the folder. Files may be added and removed while it runs.

        publishers = Publishers(folder)
        with publishers as url:
            publishers.faults.add(Fault("202410", status=503, retry_after=1))
            ...
        assert publishers.log[0].status == 503

    Attributes:
        url: Its URL, without a slash at the end.
        log: Every request, in the order of the answers.
        faults: The faults that wait for a request.
        most_at_once: The largest number of requests for a path that were open at the same time.
    """

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        """Take the port at once, so that no request before the start is lost.

        Args:
            folder: The folder to serve.
            port: The port on 127.0.0.1; 0 for a free one.

        Raises:
            NotADirectoryError: There is no such folder.
            OSError: The port is taken.
        """
        if not folder.is_dir():
            raise NotADirectoryError(f"no folder {folder} to serve")
        self.log: list[Request] = []
        self.faults = Faults()
        self.most_at_once: Counter[str] = Counter()
        self._server = _Server(folder.resolve(), port, self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> str:
        """Start to answer; return the URL."""
        self._thread.start()
        return self.url

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, even if an answer stalls."""
        self._server.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve_forever(self) -> None:
        """Answer requests in this thread until it is interrupted."""
        with self._server:
            self._server.serve_forever()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path, port: int, publishers: Publishers) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.folder, self.log, self.faults = folder, publishers.log, publishers.faults
        self.etags = objects.ETags()
        self.closing = threading.Event()
        self._open, self._most, self._lock = Counter[str](), publishers.most_at_once, threading.Lock()

    @contextmanager
    def counting(self, path: str) -> Iterator[None]:
        """Count the open requests for a path."""
        with self._lock:
            self._open[path] += 1
            self._most[path] = max(self._most[path], self._open[path])
        try:
            yield
        finally:
            with self._lock:
                self._open[path] -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors: a client that hangs up is not worth a traceback."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are sent separately. Without this, a client's delayed ACK would cost 40 ms.
    disable_nagle_algorithm = True
    server: _Server
    fault: Fault | None = None

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, *args: object) -> None:
        pass

    def log_request(self, code: int | str = "-", _size: int | str = "-") -> None:
        """Log the request before a byte is sent, so that a client with an answer finds its request in the log."""
        path, query = self._target()
        wanted, match = self.headers.get("Range"), self.headers.get("If-None-Match")
        self.server.log.append(Request(self.command, path, query, wanted, match, int(code)))

    def _target(self) -> tuple[str, dict[str, str]]:
        url = urlsplit(self.path)
        return unquote(url.path), dict(parse_qsl(url.query, keep_blank_values=True))

    def _answer(self) -> None:
        path, query = self._target()
        self.fault = self.server.faults.take(self.command, unquote(self.path))
        with self.server.counting(path):
            if self.fault is None or not self._refuse(self.fault):
                self._publish(path, query)

    def _publish(self, path: str, query: dict[str, str]) -> None:
        if path == ARCHIVE:
            status, body = archive.respond(self.server.folder / "archive", query)
            self._send_bytes(status, body, "application/json; charset=utf-8")
        elif path.rstrip("/") == BUCKET:
            folder = self.server.folder / BUCKET.strip("/")
            status, body = bucket.listing(folder, query, self.server.etags)
            self._send_bytes(status, body, "application/xml")
        else:
            self._send_file(path)

    def _refuse(self, fault: Fault) -> bool:
        """Send another answer than the file, if the fault asks for one. Return whether it was sent."""
        if fault.kind == "status":
            retry = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            self._send_bytes(fault.status, fault.body, fault.content_type, retry)
        elif fault.kind == "garbage":
            self._send_bytes(200, fault.body or GARBAGE, fault.content_type)
        elif fault.kind == "redirect":
            self._send_bytes(302, b"", "text/html", {"Location": fault.location or self.path})
        else:
            return False
        return True

    def _send_file(self, path: str) -> None:
        file = objects.find(self.server.folder, path)
        if file is None:
            self._send_missing(path)
            return
        headers = copy.copy(self.headers)
        if self.fault is not None and self.fault.ignores_range:
            del headers["Range"]
        answer = objects.answer_for(file, self.server.etags.of(file), headers)
        if self.fault is not None and self.fault.etag is not None:
            answer.headers["ETag"] = self.fault.etag
        with file.open("rb") as stream:
            stream.seek(answer.first)
            self._send(answer.status, answer.headers, stream, answer.length)

    def _send_missing(self, path: str) -> None:
        if path.startswith(f"{BUCKET}/"):
            key = path.removeprefix(f"{BUCKET}/")
            body = bucket.error("NoSuchKey", "The specified key does not exist.", Key=key)
            self._send_bytes(404, body, "application/xml")
        else:
            # CloudFront may not list the bucket behind it, so it can't know that a key is missing.
            self._send_bytes(403, bucket.error("AccessDenied", "Access Denied"), "application/xml")

    def _send_bytes(self, status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> None:
        headers = {"Content-Type": content_type, **(headers or {})}
        self._send(status, headers, io.BytesIO(body), len(body))

    def _send(self, status: int, headers: dict[str, str], body: BinaryIO, length: int) -> None:
        fault = self.fault
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        if fault is not None and fault.kind == "truncate" and not fault.with_length:
            self.send_header("Connection", "close")
        elif status != 304:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD" or status == 304:
            return
        try:
            self._send_body(body, length, fault)
        except ConnectionError:
            self.close_connection = True

    def _send_body(self, body: BinaryIO, length: int, fault: Fault | None) -> None:
        if fault is None or fault.kind in ("status", "garbage", "redirect"):
            self._copy(body, length)
        elif fault.kind == "slow":
            piece = max(1, -(-length // _SLOW_PIECES))
            for first in range(0, length, piece):
                self.server.closing.wait(fault.seconds / _SLOW_PIECES)
                self._copy(body, min(piece, length - first))
        else:
            self._copy(body, int(length * fault.sent))
            self._break_off(fault)

    def _copy(self, body: BinaryIO, length: int) -> None:
        while length > 0 and (piece := body.read(min(_CHUNK, length))):
            self.wfile.write(piece)
            length -= len(piece)

    def _break_off(self, fault: Fault) -> None:
        self.close_connection = True
        if fault.kind == "stall":
            self.server.closing.wait(fault.seconds)
        elif fault.kind == "reset":
            # With SO_LINGER at 0, the connection ends in RST and not in FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.close(self.connection.detach())
