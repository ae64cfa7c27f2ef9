"""What is compiled is tested beside its pure form."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from types import ModuleType

import pytest


def _compiled(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if os.environ.get("CI"):
            pytest.fail(f"{name} was not compiled, or does not load: {error}")
        pytest.skip(f"{name} was not compiled")


@pytest.fixture(scope="session")
def compiled() -> Callable[[str], ModuleType]:
    """Imports a compiled module by its name; skips where it was not compiled, but fails in CI."""
    return _compiled
