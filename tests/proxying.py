"""A proxy on loopback: HTTP's, with and without TLS, and SOCKS 5, on one port. It counts what passes through it."""

from __future__ import annotations

import base64
import socket
import ssl
import struct
import threading
from io import BufferedReader
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any
from urllib.parse import urlsplit

_CHUNK = 1 << 16


class Proxy:
    """Forwards what it is asked for, to whoever knows its password, if it has one.

    Attributes:
        port: Where it listens.
        seen: Of each connection that it made: how it was asked for (the method, or SOCKS), the host and the port.
    """

    def __init__(self, login: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.login, self.seen = login, list[tuple[str, str, int]]()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    proxy: Proxy

    def handle_error(self, *_: Any) -> None:
        """Say nothing of connections that end early."""


class _Handler(StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        assert isinstance(self.rfile, BufferedReader)
        if self.rfile.peek(1)[:1] == b"\x05":
            self._socks()
        else:
            self._http()

    def _http(self) -> None:
        method, target, _ = self.rfile.readline().decode().split()
        headers = dict(line.split(": ", 1) for line in iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ""))
        given = next((headers.pop(name) for name in list(headers) if name.lower() == "proxy-authorization"), "")
        login = self.server.proxy.login
        if login is not None and given != f"Basic {base64.b64encode(login.encode()).decode()}":
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        with self._connection(method, str(parts.hostname), parts.port or 80) as other:
            if method == "CONNECT":
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = parts._replace(scheme="", netloc="").geturl()
                lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
                other.sendall("\r\n".join([*lines, "", ""]).encode())
            self._tunnel(other)

    def _socks(self) -> None:
        methods = self.rfile.read(self.rfile.read(2)[1])
        login = self.server.proxy.login
        wanted = 0 if login is None else 2
        self.wfile.write(bytes([5, wanted if wanted in methods else 255]))
        if wanted:
            user = self.rfile.read(self.rfile.read(2)[1]).decode()
            password = self.rfile.read(self.rfile.read(1)[0]).decode()
            self.wfile.write(bytes([1, 0 if f"{user}:{password}" == login else 1]))
            if f"{user}:{password}" != login:
                return
        kind = self.rfile.read(4)[3]
        if kind == 3:
            host = self.rfile.read(self.rfile.read(1)[0]).decode()
        else:
            family, size = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
            host = socket.inet_ntop(family, self.rfile.read(size))
        (port,) = struct.unpack(">H", self.rfile.read(2))
        with self._connection("SOCKS", host, port) as other:
            self.wfile.write(bytes([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
            self._tunnel(other)

    def _connection(self, how: str, host: str, port: int) -> socket.socket:
        self.server.proxy.seen.append((how, host, port))
        return socket.create_connection((host, port))

    def _tunnel(self, other: socket.socket) -> None:
        def back() -> None:
            while piece := other.recv(_CHUNK):
                self.wfile.write(piece)

        answers = threading.Thread(target=back, daemon=True)
        answers.start()
        while piece := self.rfile.read1(_CHUNK):
            other.sendall(piece)
        other.shutdown(socket.SHUT_WR)
        answers.join()
