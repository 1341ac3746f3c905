"""What the page says of events, asked of Node."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from functions.sales import deals, notes, work
from functions.tracking.own_event import NO_SIGN_OF_LIFE

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
ASK = """
import { inWords } from WORDS;
let text = "";
for await (const piece of process.stdin) text += piece;
console.log(JSON.stringify(JSON.parse(text).map(inWords)));
"""


def said(tmp_path: Path, events: list[dict[str, Any]]) -> list[list[Any]]:
    if not NODE:
        pytest.skip("Node is not installed")
    for name in ("words.js", "elements.js"):
        (tmp_path / name).write_bytes((ROOT / "local/page" / name).read_bytes())
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "ask.js").write_text(ASK.replace("WORDS", '"./words.js"'))
    whole = [{"type": "track", "event": "", "properties": {}, "traits": {}, **e} for e in events]
    done = subprocess.run(
        [NODE, str(tmp_path / "ask.js")],
        input=json.dumps(whole).encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: list[list[Any]] = json.loads(done.stdout)
    return found


def test_every_event_that_sales_or_the_rules_make_is_said_in_words(tmp_path: Path) -> None:
    of_sales = [
        *(work.CREATED, work.COMPLETED, work.REOPENED, work.REASSIGNED, work.HANDED_OVER),
        *work.LEAD_EVENTS.values(),
        *(deals.CREATED, deals.MOVED, deals.OFFER_SENT, deals.OFFER_SIGNED),
        *deals.CLOSING.values(),
        *(*notes.NAMES.values(), notes.ATTEMPTED),
    ]
    names = sorted({*of_sales, *NO_SIGN_OF_LIFE})
    for name, (words, more, _) in zip(
        names, said(tmp_path, [{"event": name} for name in names]), strict=True
    ):
        assert words != name, "said in the words of a program"
        assert "undefined" not in f"{words} {more}", name
        assert "NaN" not in f"{words} {more}", name


@pytest.mark.parametrize("value", ["x", 5, None, True, {"a": 1}, [{"a": [1]}], [None]])
def test_nothing_that_a_shop_sends_breaks_the_timeline(tmp_path: Path, value: Any) -> None:
    words = ["products", "total", "value", "title", "query", "purposes", "account", "threshold"]
    names = ["Order Completed", "Consent Given", "Stage Changed", "Score Reached", "Account Joined"]
    names += ["Deal Won", "Email Opened", "Something of a shop", "constructor"]
    events = [{"event": name, "properties": dict.fromkeys(words, value)} for name in names]
    for one in said(tmp_path, events):
        assert [type(part) for part in one] == [str, str, bool]


def test_what_somebody_did_stands_out_and_what_we_found_out_does_not(tmp_path: Path) -> None:
    order = {"order_id": "7", "total": 49, "currency": "EUR", "products": [{"sku": "ink"}]}
    events = [
        {"event": "Order Completed", "properties": order},
        {"event": "Stage Changed", "properties": {"title": "Lost", "model": "customer"}},
        {"event": "Email Opened", "properties": {"email_subject": "Hello"}},
        {"type": "page", "event": "Home", "properties": {"path": "/"}},
        {"type": "identify", "traits": {"name": "Ada", "plan": "pro"}},
    ]
    assert said(tmp_path, events) == [
        ["Ordered", "€49.00 · ink · 7", False],
        ["Became “Lost”", "customer", True],
        ["Opened “Hello”", "", False],
        ["Looked at “/”", "", False],
        ["Told us about themselves", "name, plan", False],
    ]
