"""Paths as people write them."""

from __future__ import annotations

from pathlib import Path

from luigi_pipeline.core.errors import ConfigError


def expanded(named: str, option: str) -> Path:
    """Replace a leading `~` by the home folder, if no shell has done so.

    Args:
        named: The path.
        option: The option that names it, for the message.

    Raises:
        ConfigError: There is no such home folder.
    """
    try:
        return Path(named).expanduser()
    except RuntimeError:
        raise ConfigError(f"{option}: {named}: there is no home folder for ~ to stand for; write it out") from None
