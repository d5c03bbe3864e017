"""HTTP through the proxies and certificates that the environment names, in all forms that curl accepts.

The variables are `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in lower case before upper case, and
`SSL_CERT_FILE` and `SSL_CERT_DIR`. httpx reads them too, but fails on some forms, even if no proxy is needed: for
example, on a network of IPv6 addresses in `NO_PROXY`, or on `socks://`, which desktops write.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from luigi_pipeline.core.errors import FetchFailed

# curl's defaults: without a port it uses 1080, the port of SOCKS, also for http.
_PORTS = {"http": 1080, "https": 443, "socks5": 1080, "socks5h": 1080}
_SCHEMES = {"http": 80, "https": 443}
_ENTRY = re.compile(r"(?:\[([^\]]+)\]|([^:]+?))(/\d+)?(?::(\d+))?")


@dataclass(frozen=True)
class Proxy:
    """A proxy.

    Attributes:
        variable: The variable that names it.
        url: Its scheme, host and port.
        auth: User and password, if it has them.
    """

    variable: str
    url: str
    auth: tuple[str, str] | None = field(default=None, repr=False)


def client(**options: Any) -> httpx.Client:
    """An httpx client with the proxies and certificates of the environment, and with httpx's other options.

    Raises:
        FetchFailed: `SSL_CERT_FILE` or `SSL_CERT_DIR` names no certificates.
    """
    return httpx.Client(transport=_ByEnvironment(), trust_env=False, **options)


def proxy_for(url: httpx.URL, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy for a URL; None if it needs none.

    Args:
        url: The URL.
        environment: The variables.

    Raises:
        FetchFailed: A variable does not name a usable proxy.
    """
    variable = _first((f"{url.scheme}_proxy", "all_proxy"), environment)
    if variable is None or _is_excepted(url, environment):
        return None
    return _read(variable, environment[variable].strip())


def _first(names: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    spellings = (spelling for name in names for spelling in (name, name.upper()))
    return next((it for it in spellings if environment.get(it, "").strip()), None)


def _is_excepted(url: httpx.URL, environment: Mapping[str, str]) -> bool:
    variable = _first(("no_proxy",), environment)
    entries = re.split(r"[\s,]+", environment[variable]) if variable else []
    port = url.port or _SCHEMES.get(url.scheme)
    return any(_matches(entry.lower(), url.host.lower().rstrip("."), port) for entry in entries if entry)


def _matches(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of `no_proxy` matches a host: `*`, a name, a domain, an address or a network, and a port."""
    if entry == "*":
        return True
    parts = _ENTRY.fullmatch(entry)  # None for an IPv6 address without brackets
    if parts and parts[4] and int(parts[4]) != port:
        return False
    name = f"{parts[1] or parts[2]}{parts[3] or ''}" if parts else entry
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        domain = name.removeprefix("*").strip(".")
        return bool(domain) and f".{host}".endswith(f".{domain}")
    try:
        return address in ipaddress.ip_network(name, strict=False)
    except ValueError:
        return False


def _read(variable: str, value: str) -> Proxy:
    """Read a variable's value. Messages never quote it, because it may hold a password."""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        scheme = "socks5" if parts.scheme == "socks" else parts.scheme
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or scheme not in _PORTS:
        kinds = ", ".join(f"{kind}://" for kind in _PORTS)
        raise FetchFailed(f"{variable} names no proxy that can be used: host:port is one, after {kinds} or nothing")
    address = f"[{host}]" if ":" in host else host
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return Proxy(variable, f"{scheme}://{address}:{port or _PORTS[scheme]}", auth)


class _ByEnvironment(httpx.BaseTransport):
    """Sends each request through the proxy for its URL, or through none. A redirect is a request of its own."""

    def __init__(self) -> None:
        self._certificates = _certificates()
        self._transports: dict[Proxy | None, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        proxy = proxy_for(request.url, os.environ)
        if proxy not in self._transports:
            self._transports[proxy] = self._transport(proxy)
        try:
            return self._transports[proxy].handle_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            if proxy is None:
                raise
            raise httpx.ProxyError(f"by the proxy that {proxy.variable} names: {error or 'no answer'}") from error

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()

    def _transport(self, proxy: Proxy | None) -> httpx.HTTPTransport:
        if proxy is None:
            return httpx.HTTPTransport(verify=self._certificates)
        certificates = self._certificates if proxy.url.startswith("https:") else None
        given = httpx.Proxy(proxy.url, auth=proxy.auth, ssl_context=certificates)
        return httpx.HTTPTransport(verify=self._certificates, proxy=given)


def _certificates() -> ssl.SSLContext:
    file, folders = os.environ.get("SSL_CERT_FILE") or None, os.environ.get("SSL_CERT_DIR") or None
    if not file and not folders:
        return httpx.create_ssl_context(trust_env=False)
    if folders and not any(Path(folder).is_dir() for folder in folders.split(os.pathsep)):
        raise FetchFailed(f"SSL_CERT_DIR: there is no folder {folders}; name one of certificates, or unset it")
    try:
        return ssl.create_default_context(cafile=file, capath=folders)
    except OSError as error:  # ssl's own errors are OSErrors
        why = error.strerror or error
        raise FetchFailed(f"SSL_CERT_FILE: {file}: {why}; name a file of certificates, or unset it") from error
