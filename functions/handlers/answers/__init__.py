"""What the admin API answers, one file for each noun, found by looking into this folder."""

from importlib import import_module
from pkgutil import iter_modules


def open_all() -> None:
    """Register every operation."""
    for found in iter_modules(__path__):
        import_module(f"{__name__}.{found.name}")
