"""Ids and names in the addresses of the admin API."""

from urllib.parse import quote


def segment(text: str) -> str:
    """Any id or name as one part of a path, a slash in it included."""
    return quote(text, safe="")
