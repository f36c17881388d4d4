"""What the house rules look at: our packages, their modules, their daemons."""

from __future__ import annotations

import ast
import functools
import importlib
from pathlib import Path

from daemonkit.module import Module
from daemonkit.process import PACKAGES

ROOT = Path(__file__).resolve().parents[2]


def sources() -> list[Path]:
    """Every Python file we ship."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@functools.cache
def trees() -> list[tuple[Path, ast.Module]]:
    """Every Python file we ship, parsed once for all tests."""
    return [(path, ast.parse(path.read_text(), str(path))) for path in sources()]


def daemons() -> dict[str, type[Module]]:
    """Every daemon of ours by package."""
    found: dict[str, type[Module]] = {}
    for package in PACKAGES:
        if (ROOT / package / "daemon.py").exists():
            module = importlib.import_module(f"{package}.daemon")
            for value in vars(module).values():
                if isinstance(value, type) and issubclass(value, Module) and value.__module__ == module.__name__:
                    found[package] = value
    return found
