"""Our count of write units beside what MiniStack says that writes to the real tables consume."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.storage.packing import Item, item_size
from functions.storage.units import table_units, transaction_units, write_units
from tests.e2e.cloud import PREFIX, Cloud

KB = 1024
PERSON = "units"  # no record has this key, and no kind is listed under this name
TYPES = {"pk": "S", "sk": "S", "listing": "S", "listed": "S", "body": "B"}
SIZES = (150, KB - 1, KB, KB + 1, 2 * KB, 2 * KB + 1, 9 * KB + 5, 70 * KB)
PLACES = ("", "a#open#1", "a#open#1", "a#open#2", "", "a#ended#1", "b#ended#1", "b#ended#1")


def item(number: int, size: int, listed: str = "") -> Item:
    """An item of so many bytes; its numbers are such that everybody agrees on their size."""
    listing = PERSON if listed else None
    found = Item(PERSON, f"item#{number}", 11, b"", None, listing, listed or None)
    return found._replace(body=bytes(size - item_size(found)))


def attributes(one: Item) -> dict[str, Any]:
    """As DynamoDB's client takes it."""
    return {
        name: {TYPES.get(name, "N"): value if name in TYPES else str(value)}
        for name, value in one._asdict().items()
        if value is not None
    }


def keys(one: Item) -> dict[str, Any]:
    return {"pk": {"S": one.pk}, "sk": {"S": one.sk}}


class Table:
    """One deployed table; each call gives the units that MiniStack says it took."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self.client, self.name = cloud.client("dynamodb"), f"{PREFIX}{name}"
        self._asked = {"TableName": self.name, "ReturnConsumedCapacity": "INDEXES"}

    def put(self, one: Item, **more: Any) -> float:
        answer = self.client.put_item(Item=attributes(one), **self._asked, **more)
        return float(answer["ConsumedCapacity"]["CapacityUnits"])

    def delete(self, one: Item) -> float:
        answer = self.client.delete_item(Key=keys(one), **self._asked)
        return float(answer["ConsumedCapacity"]["CapacityUnits"])

    def batch(self, items: list[Item]) -> float:
        answer = self.client.batch_write_item(
            RequestItems={self.name: [{"PutRequest": {"Item": attributes(one)}} for one in items]},
            ReturnConsumedCapacity="INDEXES",
        )
        return float(sum(one["CapacityUnits"] for one in answer["ConsumedCapacity"]))

    def together(self, items: list[Item]) -> float:
        puts = [{"Put": {"TableName": self.name, "Item": attributes(one)}} for one in items]
        answer = self.client.transact_write_items(
            TransactItems=puts, ReturnConsumedCapacity="INDEXES"
        )
        return float(sum(one["CapacityUnits"] for one in answer["ConsumedCapacity"]))


@pytest.fixture(params=["people", "timeline", "catalogue"])
def table(request: pytest.FixtureRequest, cloud: Cloud) -> Iterator[Table]:
    """A table without and two with the index of listings, left as it was found."""
    made = Table(cloud, request.param)
    yield made
    for number in range(len(SIZES)):
        made.delete(item(number, KB))


def listed(table: Table, place: str) -> str:
    """Where the item stands, in a table that has listings."""
    return "" if table.name.endswith("timeline") else place


def test_a_write_costs_what_we_count_whatever_it_replaces(table: Table) -> None:
    before: Item | None = None
    for size in (*SIZES, *reversed(SIZES)):
        after = item(0, size)
        assert table.put(after) == write_units(before, after), (before and item_size(before), size)
        before = after
    assert before
    assert table.delete(before) == write_units(before, None)
    assert table.delete(before) == write_units(None, None)


def test_an_entry_in_the_index_costs_when_it_comes_goes_or_moves(table: Table) -> None:
    before: Item | None = None
    for place in (*PLACES, *PLACES):
        after = item(1, KB, listed(table, place))
        assert table.put(after) == write_units(before, after), place
        before = after
    assert before
    assert table.delete(before) == write_units(before, None)


def test_a_batch_costs_what_its_writes_would_cost_one_by_one(table: Table) -> None:
    old = [item(n, size, listed(table, f"a#{n}")) for n, size in enumerate(SIZES)]
    new = [item(n, size) for n, size in enumerate(reversed(SIZES))]
    assert table.batch(old) == sum(write_units(None, one) for one in old)
    pairs = zip(old, new, strict=True)
    assert table.batch(new) == sum(write_units(before, after) for before, after in pairs)


def test_in_a_transaction_the_table_s_part_costs_twice(table: Table) -> None:
    before: list[Item | None] = [None] * len(SIZES)
    for sizes in (SIZES, SIZES[::-1]):
        after = [item(n, size, listed(table, f"a#{size}")) for n, size in enumerate(sizes)]
        pairs = zip(before, after, strict=True)
        assert table.together(after) == sum(transaction_units(old, new) for old, new in pairs)
        before = [*after]


def test_a_write_whose_condition_fails_costs_what_we_count_or_is_not_told(table: Table) -> None:
    """By Amazon's manual it costs the table's part; MiniStack 1.5 says nothing of it."""
    there, refused = item(2, 3 * KB), item(2, 5 * KB)
    table.put(there)
    with pytest.raises(ClientError) as error:
        table.put(refused, ConditionExpression="attribute_not_exists(pk)")
    assert error.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    told = error.value.response.get("ConsumedCapacity", {}).get("CapacityUnits")
    assert told in (None, table_units(there, refused))
