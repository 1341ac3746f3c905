"""The one publisher: a journey's folder becomes a version that never changes."""

from contextlib import suppress

from functions.folder import BRAND_FILE, Folder, check
from functions.handlers import wiring
from functions.journeys.run import JourneyVersion
from functions.messages.brand import BRAND
from functions.storage.library import NEWEST
from functions.storage.store import Conflict, change
from functions.tracking.identity import short_hash


def publish(parts: wiring.Parts, folder: Folder) -> list[tuple[str, str, bool]]:
    """Publish all that has changed. Returns (journey, version, whether it is new).

    People under way keep their version. Raises Problems, and then publishes nothing.
    """
    checked = check(folder)
    brand = {BRAND_FILE: folder.brand}
    _publish(parts, BRAND, short_hash(folder.brand), brand)
    done = [
        (one.journey.name, one.version, _publish(parts, one.journey.name, one.version, one.files))
        for one in checked
    ]
    parts.library.forget()
    return done


def _publish(parts: wiring.Parts, name: str, version: str, files: dict[str, str]) -> bool:
    """Write the version, then point to it."""
    row = JourneyVersion(journey=name, journey_version=version, published=parts.now(), files=files)
    with suppress(Conflict):  # published before: the same files make the same version
        parts.store.put(row)
    is_new = False

    def point(newest: JourneyVersion) -> bool:
        nonlocal is_new
        is_new = newest.points_to != version
        newest.points_to, newest.published = version, parts.now()
        return is_new

    blank = JourneyVersion(journey=name, journey_version=NEWEST)
    change(parts.store, lambda: parts.store.get(JourneyVersion, name, NEWEST) or blank, point)
    return is_new
