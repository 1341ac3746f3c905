"""The pages that people see who have a link of ours, one file each, found by looking here."""

from importlib import import_module
from pkgutil import iter_modules


def open_all() -> None:
    """Register every page."""
    for found in iter_modules(__path__):
        import_module(f"{__name__}.{found.name}")
