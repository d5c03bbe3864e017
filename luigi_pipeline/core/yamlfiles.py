"""Reading YAML files. If PyYAML has libyaml, this takes a tenth of the time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from luigi_pipeline.core.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)
_ABOUT_KEYS = {"extra_forbidden": "unknown key", "missing": "missing key"}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path) -> Any:
    """Read a file of plain values.

    Raises:
        OSError: It can't be read.
        UnicodeDecodeError: It is not UTF-8.
        yaml.YAMLError: It is not YAML.
    """
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)


def read_as(kind: type[Model], path: Path, *, item_name: str = "", **more: Any) -> Model:
    """Read a file as a model.

    Args:
        kind: The model.
        path: The file.
        item_name: The key whose value names an item of a list in messages. Without it, its position does.
        more: Values of the model that are not in the file.

    Raises:
        ConfigError: The file can't be read, or a key is unknown, missing or wrong.
    """
    try:
        content = read(path)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold keys and their values")
    for key in content.keys() & more.keys():
        raise ConfigError(f"{path}: unknown key {key}")
    try:
        return kind.model_validate({**content, **more})
    except ValidationError as error:
        problem = error.errors()[0]
    value = "" if problem["type"] in (*_ABOUT_KEYS, "value_error") else f", not {problem['input']!r}"
    raise ConfigError(explain(path, _key(problem["loc"], content, item_name), problem) + value)


def explain(path: Path, key: str, problem: ErrorDetails) -> str:
    """Explain what is wrong with a file in one line, without the wrong value: it may be a password.

    Args:
        path: The file.
        key: Where in the file, as the message names it; the empty text for the whole file.
        problem: What pydantic says of it.
    """
    about_key = _ABOUT_KEYS.get(problem["type"])
    if about_key:
        return f"{path}: {about_key} {key}"
    reason = problem["msg"].removeprefix("Value error, ")
    return f"{path}: {key}: {reason}" if key else f"{path}: {reason}"


def _key(location: tuple[int | str, ...], content: Any, item_name: str) -> str:
    key = ""
    for part in location:
        try:
            content = content[part]
        except (LookupError, TypeError):
            content = None
        named = content.get(item_name) if isinstance(content, dict) else None
        key += f".{part}" if isinstance(part, str) else f".{named}" if named else f"[{part}]"
    return key.removeprefix(".")
