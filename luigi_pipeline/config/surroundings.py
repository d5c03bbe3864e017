"""The environment variables that a run works with: only those of a list.

dlt, dbt, Great Expectations and SQLAlchemy read settings from the environment. A variable that was set for another
project would change what a run does. So only variables of the machine, the user and this pipeline pass.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from contextlib import contextmanager
from fnmatch import fnmatchcase

from luigi.configuration import get_config

# config/README.md lists them too.
PASSING = (
    # The machine and the user.
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "PWD",
    "TMPDIR",
    "TZ",
    "LANG",
    "LANGUAGE",
    "LC_*",
    # The terminal.
    "TERM",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    # Proxies and certificates, to reach the publishers.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_*",
    # Python and its numeric libraries, and where a system keeps its libraries.
    "PYTHON*",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "OMP_*",
    "OPENBLAS_*",
    # This pipeline, and Luigi.
    "MOBILITY_*",
    "LUIGI_*",
)
_LOWER_CASE_TOO = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# Libraries must not send reports on their use.
_SETTINGS = {"GX_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
_NAMED = re.compile(r"\$\{([^}]+)\}")


def close() -> None:
    """Remove all other variables from this process, and so from those that it starts."""
    _replace(_passed() | _SETTINGS)


@contextmanager
def closed(more: Mapping[str, str] | None = None) -> Iterator[None]:
    """Remove all other variables while the body runs, and restore them afterwards.

    Args:
        more: Variables to set in addition.
    """
    before = dict(os.environ)
    _replace(_passed() | _SETTINGS | dict(more or {}))
    try:
        yield
    finally:
        _replace(before)


def _passed() -> dict[str, str]:
    named = _named_in_luigis_configuration()
    return {name: value for name, value in os.environ.items() if name in named or _passes(name)}


def _passes(name: str) -> bool:
    name = name.upper() if name.upper() in _LOWER_CASE_TOO else name
    return any(fnmatchcase(name, pattern) for pattern in PASSING)


def _named_in_luigis_configuration() -> set[str]:
    """The variables that luigi.cfg refers to as `${NAME}`. Luigi reads them when it needs the option."""
    parser = get_config()
    if not isinstance(parser, ConfigParser):  # a configuration in TOML refers to none
        return set()
    values = (parser.get(section, option, raw=True) for section in parser.sections() for option in parser[section])
    return {name for value in values for name in _NAMED.findall(value)}


def _replace(variables: Mapping[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)
