"""URLs below a configured `base_url`, which may bring a query of its own: an API key, or a signature."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit, urlunsplit


def below(base_url: str, path: str) -> str:
    """The URL of a path below a base URL.

    Args:
        base_url: As configured.
        path: As published, not yet quoted.
    """
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{quote(path)}"))


def asking(base_url: str, parameters: Mapping[str, str]) -> str:
    """The URL of a request with parameters, after those that the base URL brings."""
    parts = urlsplit(base_url)
    query = "&".join(text for text in (parts.query, urlencode(parameters)) if text)
    return urlunsplit(parts._replace(query=query))
