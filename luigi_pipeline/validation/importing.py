"""Importing Great Expectations at a good half of what it costs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

# Imported for expectations about distributions and for notebooks, and heavy. They are loaded when they are first used.
_SELDOM_USED = ("altair", "scipy.stats")


def great_expectations() -> ModuleType:
    """The package, imported."""
    with _seldom_used_later(), _no_garbage_collected():
        import great_expectations as gx
    return gx


class _Later:
    """Finds modules as ever, and has some of them loaded when they are first used."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in _SELDOM_USED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec and spec.loader:
            spec.loader = LazyLoader(spec.loader)
        return spec


@contextmanager
def _seldom_used_later() -> Iterator[None]:
    sys.meta_path.insert(0, _Later)
    try:
        yield
    finally:
        sys.meta_path.remove(_Later)


@contextmanager
def _no_garbage_collected() -> Iterator[None]:
    """The import makes hundreds of thousands of objects that stay; looking for garbage among them is a sixth of it."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
