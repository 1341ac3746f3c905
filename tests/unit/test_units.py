"""Write units: how an item's size, what it replaces and its index entry are counted."""

from hypothesis import given
from hypothesis import strategies as st

from functions.storage.packing import Item, item_size
from functions.storage.units import (
    entry_size,
    table_units,
    transaction_units,
    units,
    write_units,
)

KB = 1024


def item(size: int = 200, listed: str = "", pk: str = "ada", sk: str = "run#1") -> Item:
    """An item of so many bytes."""
    listing = "run" if listed else None
    found = Item(pk, sk, 11, b"", None, listing, listed or None)
    return found._replace(body=b"x" * (size - item_size(found)))


SIZES = st.integers(120, 9 * KB) | st.sampled_from([KB - 1, KB, KB + 1, 2 * KB, 2 * KB + 1])
PLACES = st.sampled_from(["", "cart#open 1#aa", "cart#open 2#bb", "cart#ended 1#aa"])
ITEMS = st.builds(item, SIZES, PLACES)
MAYBE = st.none() | ITEMS


@given(SIZES)
def test_each_started_kilobyte_is_a_unit(size: int) -> None:
    assert (units(size) - 1) * KB < size <= units(size) * KB
    assert write_units(None, item(size)) == units(size)


def test_the_borders_are_where_amazon_has_them() -> None:
    assert [units(size) for size in (0, 1, KB, KB + 1, 2 * KB, 2 * KB + 1)] == [1, 1, 1, 2, 2, 3]


@given(MAYBE, MAYBE)
def test_it_costs_the_same_in_both_directions(one: Item | None, other: Item | None) -> None:
    """To grow and to shrink, to create and to delete, to enter a listing and to leave it."""
    assert write_units(one, other) == write_units(other, one)


@given(MAYBE, MAYBE)
def test_the_larger_of_both_decides_the_table_s_part(one: Item | None, other: Item | None) -> None:
    sizes = [item_size(each) for each in (one, other) if each]
    assert table_units(one, other) == units(max(sizes, default=0))
    assert write_units(one, other) >= table_units(one, other) >= 1


@given(MAYBE, SIZES, st.integers(0, 3 * KB), PLACES)
def test_more_bytes_never_cost_less(before: Item | None, size: int, more: int, place: str) -> None:
    assert write_units(before, item(size, place)) <= write_units(before, item(size + more, place))


@given(SIZES, SIZES, PLACES, PLACES)
def test_an_entry_costs_when_it_comes_goes_or_moves(
    old: int, new: int, here: str, there: str
) -> None:
    before, after = item(old, here), item(new, there)
    entries = (here != "") + (there != "") if here != there else 0
    assert write_units(before, after) - table_units(before, after) == entries


@given(MAYBE, MAYBE)
def test_a_transaction_costs_the_table_s_part_twice(
    before: Item | None, after: Item | None
) -> None:
    once_more = transaction_units(before, after) - write_units(before, after)
    assert once_more == table_units(before, after)


def test_deleting_what_is_not_there_costs_one() -> None:
    assert write_units(None, None) == 1


def test_an_entry_weighs_the_keys_of_index_and_table() -> None:
    listed = item(5 * KB, "cärt#1")
    keys = "pk" + "ada" + "sk" + "run#1" + "listing" + "run" + "listed" + "cärt#1"
    assert entry_size(listed) == len(keys.encode())
    assert entry_size(item()) == 0


def test_an_entry_with_long_keys_costs_more_than_one() -> None:
    before, after = (item(5 * KB, listed, pk="p" * 2000) for listed in ("a#1", "a#2"))
    assert write_units(None, before) == 5 + 2
    assert write_units(before, after) == 5 + 4
