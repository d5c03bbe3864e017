"""Keeping secrets, and what a terminal would obey, out of all that is shown or written down."""

from __future__ import annotations

import re

# A URL's `user:secret@`, and the values of parameters that are keys or signatures by their name.
_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s'\"]*@")
_SECRET_NAME = r"[\w.%-]*(?:key|token|secret|signature|passw|pwd|credential|auth|session)[\w.%-]*|sig"
_PARAMETER = re.compile(rf"([?&;](?:{_SECRET_NAME})=)[^&;#\s'\"]+", re.IGNORECASE)
_HIDDEN = "***"


def redacted(text: str) -> str:
    """A text with the secrets in its URLs hidden."""
    return _PARAMETER.sub(rf"\1{_HIDDEN}", _CREDENTIALS.sub(f"{_HIDDEN}@", text))


def printable(text: str) -> str:
    """A text in one line, with the characters escaped that a terminal would obey rather than show."""
    line = " ".join(text.split())
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in line
    )
