"""What a write costs in DynamoDB's write request units, by our own count.

Source: Amazon DynamoDB Developer Guide, "DynamoDB read and write operations" (capacity unit
consumption for write operations) and "Using Global Secondary Indexes" (write capacity units).
What the guide leaves open, the index in a transaction, is as others measured it in AWS
(github.com/nubo-db/dynoxide, pull request 188).
A unit is one write of up to 1 KB, and a part of a KB counts as one. What TTL removes is free.
"""

from functions.storage.packing import Item, item_size

UNIT = 1024  # bytes


def write_units(before: Item | None, after: Item | None) -> int:
    """Units of a put (`before`: what it replaces) or of a delete (`after` is None).

    The table's part goes by the larger of the two; what changes in the index comes on top.
    """
    return table_units(before, after) + _index_units(before, after)


def transaction_units(before: Item | None, after: Item | None) -> int:
    """The same in a transaction, which prepares each item and then commits it; the index follows
    later, as after any write."""
    return 2 * table_units(before, after) + _index_units(before, after)


def table_units(before: Item | None, after: Item | None) -> int:
    """The table's part alone; also all that a write costs whose condition fails.

    Deleting what is not there costs one unit.
    """
    return units(max(item_size(item) if item else 0 for item in (before, after)))


def units(size: int) -> int:
    """Units of so many bytes."""
    return max(1, -(-size // UNIT))


def entry_size(item: Item) -> int:
    """The bytes of the item's entry in the index of listings (keys only); 0 if it has none.

    An entry is the index's keys and the table's; the 100 bytes of overhead for each entry count
    for storage, not for writes.
    """
    if item.listing is None or item.listed is None:
        return 0
    keys = {"pk": item.pk, "sk": item.sk, "listing": item.listing, "listed": item.listed}
    return sum(len(name) + len(value.encode()) for name, value in keys.items())


def _index_units(before: Item | None, after: Item | None) -> int:
    """An entry that appears or goes is one write, one that moves a delete and a put, and one that
    stays nothing: an entry of keys only has nothing else that could change."""
    old, new = _entry(before), _entry(after)
    if old == new:
        return 0
    return sum(units(entry_size(item)) for item in (before, after) if item and _entry(item))


def _entry(item: Item | None) -> tuple[str, str] | None:
    """Where the item stands in the index, if it does."""
    if item is None or item.listing is None or item.listed is None:
        return None
    return item.listing, item.listed
