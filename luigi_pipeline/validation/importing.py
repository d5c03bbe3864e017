"""Importing Great Expectations in little more than half of the usual time."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

# Heavy modules for expectations about distributions and for notebooks. They are loaded when they are first used.
_SELDOM_USED = ("altair", "scipy.stats")


def great_expectations() -> ModuleType:
    """Import the package."""
    with _seldom_used_later(), _no_garbage_collected():
        import great_expectations as gx
    return gx


class _Later:
    """Finds modules as usual, but delays the loading of some until they are first used."""

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
    """The import makes hundreds of thousands of lasting objects. Looking for garbage among them takes a sixth of it."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
