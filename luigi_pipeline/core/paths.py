"""Paths as people write them."""

from __future__ import annotations

from pathlib import Path

from luigi_pipeline.core.errors import ConfigError


def expanded(named: str, option: str) -> Path:
    """A path with the home folder in place of a `~` that it begins with, where no shell has put it there.

    Args:
        named: The path.
        option: What names it, for the message.

    Raises:
        ConfigError: There is no such home folder.
    """
    try:
        return Path(named).expanduser()
    except RuntimeError:
        raise ConfigError(f"{option}: {named}: there is no home folder for ~ to stand for; write it out") from None
