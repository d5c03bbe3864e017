"""Keeping secrets, and characters that control a terminal, out of everything that is shown or written."""

from __future__ import annotations

import re

# A URL's `user:secret@`, and the values of parameters whose names say that they are keys or signatures.
_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s'\"]*@")
_SECRET_NAME = r"[\w.%-]*(?:key|token|secret|signature|passw|pwd|credential|auth|session)[\w.%-]*|sig"
_PARAMETER = re.compile(rf"([?&;](?:{_SECRET_NAME})=)[^&;#\s'\"]+", re.IGNORECASE)
_HIDDEN = "***"


def redacted(text: str) -> str:
    """A text with the secrets in its URLs hidden."""
    return _PARAMETER.sub(rf"\1{_HIDDEN}", _CREDENTIALS.sub(f"{_HIDDEN}@", text))


def printable(text: str) -> str:
    """A text in one line, with escapes for the characters that would control a terminal."""
    line = " ".join(text.split())
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in line
    )
