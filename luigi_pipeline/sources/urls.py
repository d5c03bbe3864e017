"""URLs below a configured `base_url`, which may have a query of its own, such as an API key or a signature."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit, urlunsplit


def below(base_url: str, path: str) -> str:
    """The URL of a path below a base URL.

    Args:
        base_url: The configured URL.
        path: The published path, not yet quoted.
    """
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{quote(path)}"))


def asking(base_url: str, parameters: Mapping[str, str]) -> str:
    """The URL of a request with parameters. They follow those of the base URL."""
    parts = urlsplit(base_url)
    query = "&".join(text for text in (parts.query, urlencode(parameters)) if text)
    return urlunsplit(parts._replace(query=query))
