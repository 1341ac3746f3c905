"""CSV files as they are really written become ordinary events, or an error that says why not."""

import codecs
import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.http_server import application, serving
from local.imports import mapping, values
from local.imports.events import Import, Record, anonymous_id, records
from local.imports.kinds import KINDS, words
from local.imports.mapping import BadMapping, columns
from local.imports.send import AccountsDoor
from local.imports.survey import look_over
from local.imports.table import BadTable, Table
from local.imports.values import BadCell, Ways

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
AS_OF = datetime(2027, 2, 28, 9, tzinfo=UTC)


@pytest.fixture
def read(tmp_path: Path) -> "Read":
    return Read(tmp_path / "file.csv")


class Read:
    """Reads a text as an import would."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(
        self, kind: str, text: str | bytes, *maps: str, preset: str = "", **more: Any
    ) -> list[Record]:
        raw = text.encode() if isinstance(text, str) else text
        self.file.write_bytes(raw)
        table = Table(self.file)
        known = mapping.preset(preset, KINDS[kind]) if preset else None
        found = columns(KINDS[kind], table.heading, maps, known)
        ways = look_over(table, found, BERLIN).ways
        what = Import(KINDS[kind], found, len(table.heading), ways, "test", AS_OF, NOW, **more)
        return list(records(table.rows(), what))

    def events(self, kind: str, text: str | bytes, *maps: str, **more: Any) -> list[dict[str, Any]]:
        """The events of a file without mistakes."""
        found = self(kind, text, *maps, **more)
        assert [record.problems for record in found if record.problems] == []
        return [json.loads(raw) for record in found for raw in record.events]

    def problems(self, kind: str, text: str, *maps: str, **more: Any) -> list[list[str]]:
        return [record.problems for record in self(kind, text, *maps, **more)]


def traits(events: list[dict[str, Any]]) -> dict[str, Any]:
    [found] = [event["traits"] for event in events if event["type"] == "identify"]
    return dict(found)


# --- the file

GERMAN = 'E-Mail;Vorname;Notizen\nada@example.com;Zoë;"sagt ""hallo;""\nund geht"\n'


@pytest.mark.parametrize(
    "raw",
    [
        GERMAN.encode(),
        codecs.BOM_UTF8 + GERMAN.encode(),
        GERMAN.encode("cp1252"),
        codecs.BOM_UTF16_LE + GERMAN.encode("utf-16-le"),
        GERMAN.replace("\n", "\r\n").encode(),
        GERMAN.replace(";Vorname;", "\tVorname\t").replace(";Zoë;", "\tZoë\t").encode(),
    ],
    ids=["utf-8", "utf-8 with a mark", "windows-1252", "utf-16", "windows lines", "tabs"],
)
def test_a_file_is_read_in_its_own_encoding_with_its_own_delimiter(read: Read, raw: bytes) -> None:
    found = read.events("contacts", raw, "Notizen=trait.note")
    said = traits(found)["note"].replace("\r", "")
    assert (traits(found)["firstName"], said) == ("Zoë", 'sagt "hallo;"\nund geht')


def test_what_excel_would_run_is_a_text_like_any_other(read: Read) -> None:
    found = read.events("contacts", "email,last name\nada@example.com,=cmd|' /C calc'!A0\n")
    assert traits(found)["lastName"] == "=cmd|' /C calc'!A0"


def test_empty_rows_are_no_rows_and_the_numbers_are_a_spreadsheets(read: Read) -> None:
    text = 'email,name\nada@example.com,"two\nlines"\n\n,,\n,nobody\n'
    assert [record.rows[0].number for record in read("contacts", text)] == [2, 5]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no heading"),
        (b'email,name\nada@example.com,"open\n', "row 2: a quotation mark"),
        (b'email,name\na@b.de,x\na@b.de,"5" disk"\n', "row 3: a quotation mark"),
        (b"email,name\na@b.de,\x81\x8d\n", "neither UTF-8 nor Windows-1252"),
    ],
)
def test_a_file_that_is_no_table_says_where(read: Read, raw: bytes, said: str) -> None:
    with pytest.raises(BadTable, match=said):
        read("contacts", raw)


@pytest.mark.parametrize("row", ["ada@example.com", "ada@example.com,Ada,Berlin,more"])
def test_a_row_with_fewer_or_more_cells_than_the_heading_is_not_guessed_at(
    read: Read, row: str
) -> None:
    [[problem]] = read.problems("contacts", f"email,name,city\n{row}\n")
    assert problem == f"has {len(row.split(','))} cells; the heading has 3"


# --- numbers and dates


@pytest.mark.parametrize(
    ("cell", "decimal", "number"),
    [
        ("1.234,56", ".", 1234.56),
        ("1,234.56 €", ",", 1234.56),
        ("EUR 12,5", ".", 12.5),
        ("-3", ".", -3),
        ("1.234", ",", 1234),
        ("1.234", ".", 1.234),
        ("1.234.567", ",", 1234567),
        ("1'234.50", ".", 1234.5),
        ("12,00", ".", 12),
    ],
)
def test_a_number_is_read_as_it_is_written(cell: str, decimal: str, number: float) -> None:
    assert values.number(cell, Ways(decimal)) == number


@pytest.mark.parametrize("cell", ["twelve", "1,2,3.4.5", "--1", "1.2,3.4", "NaN", "1e5", ""])
def test_what_is_no_number_is_refused(cell: str) -> None:
    with pytest.raises(BadCell, match="not a number"):
        values.number(cell, Ways())


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2), st.sampled_from([",", "."]))
def test_any_amount_is_read_as_it_was_written_in_either_way(amount: Any, decimal: str) -> None:
    thousands = "," if decimal == "." else "."
    text = f"{amount:,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", thousands)
    assert values.number(text, Ways(decimal)) == float(amount)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-12-31", "2026-12-30T23:00:00+00:00"),
        ("31.12.2026", "2026-12-30T23:00:00+00:00"),
        ("1.7.2026, 14:30 Uhr", "2026-07-01T12:30:00+00:00"),
        ("2026-11-20 10:15:00 +0100", "2026-11-20T09:15:00+00:00"),
        ("2026-11-20 10:15:00 UTC", "2026-11-20T10:15:00+00:00"),
        ("2026-11-20T10:15:00Z", "2026-11-20T10:15:00+00:00"),
        ("12/31/2026 2:30 PM", "2026-12-31T13:30:00+00:00"),
        ("1767225600000", "2026-01-01T00:00:00+00:00"),
    ],
)
def test_a_moment_is_read_as_it_is_written(cell: str, moment: str) -> None:
    assert values.moment(cell, Ways(order="mdy", zone=BERLIN)).isoformat() == moment


@pytest.mark.parametrize("cell", ["31.02.2026", "soon", "31.12.26", "13/13/2026", "2026"])
def test_what_is_no_date_is_refused(cell: str) -> None:
    with pytest.raises(BadCell):
        values.moment(cell, Ways(order="dmy"))


def test_the_whole_file_tells_what_one_cell_does_not(read: Read) -> None:
    text = "email;order;date;total\na@b.de;1;1/2/2027;1.234\na@b.de;2;31/1/2027;5,50\n"
    orders = [one for one in read.events("orders", text) if one["type"] == "track"]
    assert [one["properties"]["total"] for one in orders] == [1234, 5.5]
    assert orders[0]["timestamp"] == "2027-01-31T23:00:00+00:00"


def test_a_date_that_may_mean_two_days_is_not_guessed(read: Read) -> None:
    [[problem]] = read.problems("orders", "email,order,date,total\na@b.de,1,1/2/2027,5\n")
    assert problem == 'date: "1/2/2027" may be day/month or month/day; say which with --dates ' + (
        "dmy or mdy"
    )


def test_a_file_that_writes_numbers_in_two_ways_is_not_guessed_at(read: Read) -> None:
    text = 'email,order,date,total\na@b.de,1,2027-01-01,5.50\na@b.de,2,2027-01-01,"5,50"\n'
    with pytest.raises(BadTable, match="--decimal comma"):
        read("orders", text)


# --- what a column becomes


def test_headings_in_english_and_german_are_known() -> None:
    heading = ["E-Mail-Adresse", "Vorname", "Last Name", "PLZ", "Telefon", "Umsatz 2019"]
    found = columns(KINDS["contacts"], heading)
    assert [one.target for one in found] == [
        "email",
        "firstName",
        "lastName",
        "postal_code",
        "phone",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_known_heading_leads_to_something_that_there_is(kind: str) -> None:
    assert set(words(kind).values()) <= KINDS[kind].targets.keys()
    assert all(word == " ".join(word.split()).lower() for word in words(kind))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Mail", 'write --map "Column=target"'),
        ("Emial=email", 'no column "Emial"; did you mean "Email"?'),
        ("Email=emial", '"emial" is nothing .* did you mean "email"?'),
        ("Email=Telefon", "trait.NAME"),
        ("Email=email|Name=email", '"Email" and "Name" both become email; leave one out'),
        ("Email=-", "no column says user_id, email or phone"),
        ("Name=consent.offers", "needs the time"),
    ],
)
def test_a_mapping_that_cannot_be_says_what_would_be_right(said: str, words: str) -> None:
    with pytest.raises(BadMapping, match=words):
        columns(KINDS["contacts"], ["Email", "Name"], said.split("|"))


def test_what_the_user_says_goes_before_the_preset_and_the_guess() -> None:
    preset = {"Email": "email", "Phone Number": "trait.office_phone"}
    said = ["Phone Number=phone"]
    found = columns(KINDS["contacts"], ["Email", "Phone Number", "City"], said, preset)
    assert [one.target for one in found] == ["email", "phone"]  # a preset guesses nothing more


# --- whom an event is about


def test_somebody_without_a_user_id_is_known_by_their_address(read: Read) -> None:
    [contact] = read.events("contacts", "email\nAda@Example.com\n")
    note, _ = read.events("notes", "email,date,type\nada@example.com,2027-01-01,call\n")
    assert "userId" not in contact
    assert contact["anonymousId"] == note["anonymousId"] == anonymous_id("email", "ada@example.com")
    assert note["type"] == "identify"  # so that the note finds its person in any case


def test_a_phone_number_alone_is_enough(read: Read) -> None:
    [contact] = read.events("contacts", "phone\n0151 23456789\n")
    assert contact["traits"]["phone"] == "+4915123456789"
    assert contact["anonymousId"] == anonymous_id("phone", "+4915123456789")


def test_a_contact_is_as_the_file_says_it_was_when_it_was_changed(read: Read) -> None:
    text = "email,last modified\nada@example.com,2026-05-01T10:00:00Z\nben@example.com,\n"
    ada, ben = read.events("contacts", text)
    assert ada["timestamp"] == "2026-05-01T10:00:00+00:00"
    assert ben["timestamp"] == AS_OF.isoformat()


def test_two_different_rows_of_one_person_at_one_time_are_not_guessed_at(read: Read) -> None:
    text = "email,name\na@b.de,Ada\nA@b.de,Bea\na@b.de,Ada\n"
    found = read("contacts", text)
    assert found[1].problems == ["says something else of the person of row 2; keep one of the two"]
    assert [record.is_duplicate for record in found] == [False, False, True]


# --- consent

CONSENTS = "email,tips,since,form\n"
TOLD = ("tips=consent.product tips", "since=consent.time", "form=consent.text")


def test_consent_is_told_with_its_own_time_and_text(read: Read) -> None:
    row = "a@b.de,yes,2026-01-01T08:00:00Z,footer v2\n"
    _, consent = read.events("contacts", CONSENTS + row, *TOLD)
    assert consent["event"] == "Consent Given"
    assert consent["timestamp"] == "2026-01-01T08:00:00+00:00"
    assert consent["properties"] == {
        "channel": "email",
        "purposes": ["product tips"],
        "text": "footer v2",
    }


def test_consent_without_its_time_is_refused_and_a_no_is_a_withdrawal(read: Read) -> None:
    assert read.problems("contacts", f"{CONSENTS}a@b.de,yes,,\n", *TOLD) == [
        ["since is empty: it says when consent was given"]
    ]
    _, withdrawn = read.events("contacts", f"{CONSENTS}a@b.de,no,,\n", *TOLD)
    assert (withdrawn["event"], withdrawn["timestamp"]) == (
        "Consent Withdrawn",
        AS_OF.isoformat(),
    )


# --- orders

ORDERS = "order number,e-mail,order date,total,sku,quantity\n"


def test_the_lines_of_one_order_are_one_event(read: Read) -> None:
    text = "7,a@b.de,2027-01-01,30,x,1\n7,a@b.de,2027-01-01,30,y,2\n8,a@b.de,2027-01-02,5,z,1\n"
    found = read.events("orders", ORDERS + text, always={"channel": "offline"})
    orders = [event["properties"] for event in found if event["type"] == "track"]
    assert orders[0] == {
        "order_id": "7",
        "total": 30,
        "channel": "offline",
        "products": [{"sku": "x", "quantity": 1}, {"sku": "y", "quantity": 2}],
    }
    assert [one["order_id"] for one in orders] == ["7", "8"]
    assert len(found) == 3  # the person is named once


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (",a@b.de,2027-01-01,5,x,1\n", "order number is empty: it names the order"),
        ("7,a@b.de,,5,x,1\n", "order date is empty: it says when it happened"),
        ("7,a@b.de,2028-01-01,5,x,1\n", "order date: 2027-12-31 lies in the future"),
        ("7,a@b.de,1.1.1969,5,x,1\n", "order date: 1968-12-31 lies before 1970"),
        ("7,,2027-01-01,5,x,1\n", "names nobody: user_id and e-mail and phone are empty"),
        ("7,a@b.de,2027-01-01,,x,1\n", "says no amount"),
        ("7,a@b.de,2027-01-01,5,x,1\n7,a@b.de,2027-01-01,6,y,1\n", "say two things, 5 and 6"),
        ("7,a@b.de,2027-01-01,five,x,1\n", 'total: "five" is not a number'),
        ("7,a@b,2027-01-01,5,x,two\n", 'e-mail: "a@b" is not an e-mail address'),
    ],
)
def test_an_order_that_cannot_be_taken_says_which_column_is_wrong(
    read: Read, rows: str, problem: str
) -> None:
    [record] = read("orders", ORDERS + rows)
    assert any(problem in one for one in record.problems), record.problems
    assert record.events == []
    assert len(record.rows) == rows.count("\n")


def test_an_order_in_two_places_of_a_file_is_refused_and_a_copy_is_a_duplicate(read: Read) -> None:
    seven, eight = "7,a@b.de,2027-01-01,5,x,1\n", "8,a@b.de,2027-01-01,5,x,1\n"
    again = "7,a@b.de,2027-01-01,9,x,1\n"
    found = read("orders", ORDERS + seven + eight + seven + eight + again)
    assert [record.is_duplicate for record in found] == [False, False, True, True, False]
    assert found[4].problems == ['the order "7" stood further up already; sort the file by orders']


def test_without_a_total_an_order_is_worth_its_lines(read: Read) -> None:
    text = (
        "order,email,date,sku,price,qty\n7,a@b.de,2027-01-01,x,9.99,3\n7,a@b.de,2027-01-01,y,1,1\n"
    )
    [_, order] = read.events("orders", text)
    assert order["properties"]["subtotal"] == 30.97


def test_cancelled_and_refunded_orders_say_so(read: Read) -> None:
    text = "order,email,date,total,refunded,cancelled at\n7,a@b.de,2027-01-01,9,4,2027-01-03\n"
    found = [one["event"] for one in read.events("orders", text) if one["type"] == "track"]
    assert found == ["Order Completed", "Order Refunded", "Order Cancelled"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("paid", []),
        ("Refunded", ["Order Refunded"]),
        ("partially_refunded", []),
        ("voided", ["Order Cancelled"]),
        ("storniert", ["Order Cancelled"]),
    ],
)
def test_the_status_of_an_order_says_whether_anything_is_left_of_it(
    read: Read, status: str, said: list[str]
) -> None:
    text = f"order,email,date,total,financial status\n7,a@b.de,2027-01-01,9,{status}\n"
    found = [one["event"] for one in read.events("orders", text) if one["type"] == "track"]
    assert found == ["Order Completed", *said]


# --- ids


def test_the_same_row_has_the_same_ids_in_every_try_and_another_has_others(read: Read) -> None:
    text = ORDERS + "7,a@b.de,2027-01-01,5,x,1\n"
    once, again = read.events("orders", text), read.events("orders", text)
    other = read.events("orders", text.replace(",5,", ",6,"))
    ids = [[event["messageId"] for event in found] for found in (once, again, other)]
    assert ids[0] == ids[1]
    assert ids[0][1] != ids[2][1]
    assert len(ids[0][0]) <= 99


# --- presets

HUBSPOT = """\
Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,Company Name,Job Title,\
Industry,Primary Associated Company ID,Create Date,Last Modified Date,Unsubscribed from all email
51,Ada,Arndt,ada@example.com,030 1234567,+49 151 23456789,Arndt GmbH,Buyer,SOFTWARE,900,\
2026-01-05 10:00,2026-10-01 12:30,true
"""


def test_a_hubspot_export_of_contacts_is_known_by_its_preset(read: Read) -> None:
    person, company, left = read.events("contacts", HUBSPOT, preset="hubspot")
    assert person["traits"] == {
        "email": "ada@example.com",
        "phone": "+4915123456789",
        "firstName": "Ada",
        "lastName": "Arndt",
        "company": "Arndt GmbH",
        "jobTitle": "Buyer",
        "createdAt": "2026-01-05T09:00:00+00:00",
        "hubspot_id": "51",
        "office_phone": "030 1234567",
    }
    assert (company["groupId"], company["traits"]) == (
        "900",
        {"industry": "SOFTWARE", "name": "Arndt GmbH"},
    )
    assert (left["event"], left["timestamp"]) == ("Unsubscribed", "2026-10-01T10:30:00+00:00")


def test_a_hubspot_export_of_deals_is_known_by_its_preset(read: Read) -> None:
    text = (
        "Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Create Date,"
        "Associated Contact\n"
        "77,Fleet,Closed Won,2027-02-01 10:00,Anna,1200.50,2026-12-01 09:00,"
        "Ada Arndt (ada@example.com)\n"
    )
    whose, deal = read.events("deals", text, preset="hubspot", always={"currency": "EUR"})
    assert whose["traits"] == {"email": "ada@example.com"}
    del deal["messageId"]
    assert deal == {
        "deal_id": "77",
        "email": "ada@example.com",
        "title": "Fleet",
        "stage": "Closed Won",
        "value": 1200.5,
        "currency": "EUR",
        "expected": "2027-02-01",
        "owner": "Anna",
        "created": "2026-12-01T08:00:00+00:00",
        "time": AS_OF.isoformat(),
        "properties": {},
    }


def test_a_salesforce_export_of_deals_says_since_when_and_why(read: Read) -> None:
    text = (
        '"Opportunity ID","Opportunity Name","Stage","Amount","Close Date","Created Date",'
        '"Last Stage Change Date","Loss Reason","Type","Email"\n'
        '"0061x","Fleet","Closed Lost","900","2/14/2027","12/13/2026","1/20/2027","Price","New",'
        '"ada@example.com"\n'
    )
    _, deal = read.events("deals", text, preset="salesforce")
    said = (deal["deal_id"], deal["stage"], deal["since"], deal["reason"], deal["properties"])
    since = "2027-01-19T23:00:00+00:00"
    assert said == ("0061x", "Closed Lost", since, "Price", {"deal_type": "New"})


def test_a_stage_of_the_crm_may_be_called_what_it_is_here(read: Read) -> None:
    text = "deal id,email,created,stage\n1,a@b.de,2027-01-01,Qualified To Buy\n"
    _, deal = read.events("deals", text, stages={"qualified to buy": "qualified"})
    assert deal["stage"] == "qualified"


def test_one_deal_in_two_ways_in_a_file_is_refused(read: Read) -> None:
    text = "deal id,email,created,value\n1,a@b.de,2027-01-01,5\n1,a@b.de,2027-01-01,6\n"
    first, second = read("deals", text)
    assert first.problems == []
    assert second.problems == ['the deal "1" says something else further up']


SALESFORCE = """\
"Contact ID","First Name","Last Name","Email","Mobile","Title","Account Name","Email Opt Out",\
"Last Modified Date"
"0031x","Ada","Arndt","ada@example.com","","CEO","Arndt GmbH","0","10/13/2026"
"""


def test_a_salesforce_report_of_contacts_is_known_by_its_preset(read: Read) -> None:
    person, company = read.events("contacts", SALESFORCE, preset="salesforce")
    assert person["traits"]["salesforce_id"] == "0031x"
    assert person["timestamp"] == "2026-10-12T22:00:00+00:00"
    assert company["groupId"] == "Arndt GmbH"


def test_a_shopify_export_of_orders_is_known_by_its_preset(read: Read) -> None:
    text = (
        "Name,Email,Financial Status,Created at,Currency,Subtotal,Shipping,Taxes,Total,"
        "Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Cancelled at,Refunded Amount\n"
        "#1001,ada@example.com,paid,2026-11-20 10:15:00 +0100,EUR,30,5,0,35,1,Tea,10,T1,,0.00\n"
        "#1001,ada@example.com,,2026-11-20 10:15:00 +0100,,,,,,2,Cup,10,C1,,\n"
    )
    _, order = read.events("orders", text, preset="shopify")
    assert order["properties"]["total"] == 35
    assert [one["sku"] for one in order["properties"]["products"]] == ["T1", "C1"]
    assert order["timestamp"] == "2026-11-20T09:15:00+00:00"


def test_mailchimps_subscribers_have_consented_when_they_confirmed(read: Read) -> None:
    text = (
        "Email Address,First Name,CONFIRM_TIME,LAST_CHANGED,TAGS\n"
        'ada@example.com,Ada,2025-03-01 10:00:00,2026-01-01 10:00:00,"""vip"",""tea"""\n'
    )
    person, consent = read.events("contacts", text, preset="mailchimp", consents=["offers"])
    assert person["traits"]["tags"] == ["vip", "tea"]
    assert consent["properties"]["purposes"] == ["offers"]
    assert consent["timestamp"] == "2025-03-01T09:00:00+00:00"


@pytest.mark.parametrize("name", mapping.presets())
def test_every_preset_says_only_what_columns_can_become(name: str) -> None:
    known = [kind for kind in KINDS.values() if _knows(name, kind.name)]
    assert known
    for kind in known:
        for heading, target in mapping.preset(name, kind).items():
            assert mapping.reader(kind, target), heading


def _knows(name: str, kind: str) -> bool:
    try:
        return bool(mapping.preset(name, KINDS[kind]))
    except BadMapping:
        return False


# --- round trip

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12).map(
    lambda text: text.strip()
)


@given(
    st.lists(
        st.tuples(TEXTS, TEXTS, st.sampled_from(["", "Ä;x", 'a"b', "c,d", "=1+1"])), max_size=8
    ),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_invented_contacts_written_to_a_file_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory,
    people: list[tuple[str, str, str]],
    delimiter: str,
    encoding: str,
) -> None:
    file = tmp_path_factory.mktemp("trip") / "people.csv"
    with file.open("w", encoding=encoding, newline="") as text:
        writer = csv.writer(text, delimiter=delimiter)
        writer.writerow(["User ID", "First Name", "Last Name", "City"])
        writer.writerows([f"u{number}", *person] for number, person in enumerate(people))
    table = Table(file)
    found = columns(KINDS["contacts"], table.heading)
    what = Import(KINDS["contacts"], found, 4, Ways(), "trip", AS_OF, NOW)
    events = [json.loads(raw) for record in records(table.rows(), what) for raw in record.events]
    names = ("firstName", "lastName", "city")
    assert [tuple(event["traits"].get(name, "") for name in names) for event in events] == people


# --- companies


def test_a_company_is_known_by_its_id_or_else_its_name(read: Read) -> None:
    text = "Record ID,Company name,Number of Employees,Industry\n900,Arndt GmbH,50,\n,Böhm,,Tea\n"
    one, other = read.events("companies", text, preset="hubspot")
    assert (one["account_id"], one["traits"]) == ("900", {"name": "Arndt GmbH", "employees": 50})
    assert (other["account_id"], other["timestamp"]) == ("Böhm", AS_OF.isoformat())


def test_companies_go_to_the_admin_api_one_by_one() -> None:
    asked: list[tuple[str, str, Any, str]] = []

    def answer(event: dict[str, Any], context: object) -> dict[str, Any]:
        body = json.loads(event["body"])
        request = event["requestContext"]["http"]
        key = event["headers"]["authorization"]
        asked.append((request["method"], event["rawPath"], body, key))
        refused = {"code": "bad_request", "message": '"title" is of a person'}
        wrong = "title" in body["traits"]
        return {"statusCode": 400 if wrong else 200, "body": json.dumps(refused if wrong else {})}

    companies = [
        {"account_id": name, "timestamp": AS_OF.isoformat(), "traits": {trait: 1}}
        for name, trait in (("a/b ü", "employees"), ("c", "title"))
    ]
    with serving(application(lambda method, path: answer)) as url:
        post = AccountsDoor(url, "sk_1").post
        assert post([json.dumps(one).encode() for one in companies]) == {
            1: '"title" is of a person'
        }
        said = {"traits": {"employees": 1}, "time": AS_OF.isoformat()}
        assert asked[0][0] == "PUT"
        assert asked[0][1].startswith("/api/accounts/a")
        assert asked[0][2:] == (said, "Bearer sk_1")
