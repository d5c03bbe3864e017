"""The environment variables that a run works with: a list of what may pass, and nothing else.

dlt, dbt, Great Expectations and SQLAlchemy take settings from the environment by themselves. A variable that was set
for another project would change what a run does. So only those pass that concern the machine, the user or this
pipeline.
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
    # The way to the publishers.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_*",
    # Python and its libraries of numbers, and where a system keeps its libraries.
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
# Nothing leaves the machine but requests to publishers.
_SETTINGS = {"GX_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
_NAMED = re.compile(r"\$\{([^}]+)\}")


def close() -> None:
    """Leave this process, and those that it starts, with the variables that may pass."""
    _replace(_passed() | _SETTINGS)


@contextmanager
def closed(more: Mapping[str, str] | None = None) -> Iterator[None]:
    """Work with the variables that may pass; afterwards all are as they were.

    Args:
        more: Variables to set beside them.
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
    """The variables that luigi.cfg refers to as `${NAME}`: Luigi looks at them when it needs the option."""
    parser = get_config()
    if not isinstance(parser, ConfigParser):  # one in TOML refers to none
        return set()
    values = (parser.get(section, option, raw=True) for section in parser.sections() for option in parser[section])
    return {name for value in values for name in _NAMED.findall(value)}


def _replace(variables: Mapping[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)
