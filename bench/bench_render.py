"""How fast mails are compiled and filled in, beside npm's mjml and liquidjs in the same run.

The mail is as large as those of mjml.io's gallery (3 to 20 KB of MJML), with 60 links that are
signed for each person and a loop over what they bought. All is one core's processor time, so that
the ratios mean the same on a busy machine. Given a number, so many mails.
"""

import hmac
import html as markup
import json
import os
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from functions.messages.template import _parsed, compile_mjml, fill, render_mail

MAILS, COMPILES, LINKS, PEOPLE = 10_000, 100, 60, 1_000
COMPILING, RENDERING = 0.05, 1.0  # of npm mjml's time at most; of liquidjs's mails at least
KEY = "k" * 32
NAMES = [f"product-{number}" for number in range(LINKS - 4)] + ["shop", "imprint", "help", "leave"]
VALUES: dict[str, Any] = {
    "brand": {"name": "Käse & Co", "imprint": ["Käse & Co GmbH", "Am Markt 1", "20095 Hamburg"]},
}
_write = json.JSONEncoder(separators=(",", ":")).encode
HERE = Path(__file__).parent
CARD = """
<mj-column>
  <mj-image width="250px" src="https://img.example.com/FIRST.jpg" alt="FIRST" />
  <mj-text font-size="18px" color="#17252A">
    <a href="{{ links.product-FIRST }}">No. FIRST</a>
  </mj-text>
  <mj-text>{% if person.orders > FIRST %}Again for you{% else %}New for you{% endif %}</mj-text>
  <mj-button background-color="#0B5D50" href="{{ links.product-SECOND }}">Look</mj-button>
</mj-column>"""
PAGE = """
<mjml lang="en"><mj-head><mj-title>Number 0 for you</mj-title></mj-head><mj-body>
<mj-section><mj-column>
  <mj-text>Hello{% if person.first_name != '' %} {{ person.first_name | capitalize }}{% endif %},
  </mj-text>
  <mj-text>{% for product in person.products %}{{ forloop.index }}. {{ product.name }},
    {{ product.price | times: product.quantity | round: 2 }} EUR
    {% unless forloop.last %}<br />{% endunless %}{% endfor %}</mj-text>
</mj-column></mj-section>
ROWS
<mj-section><mj-column>
  <mj-text><a href="{{ links.shop }}">{{ brand.name }}</a>
    <a href="{{ links.imprint }}">Imprint</a> <a href="{{ links.help }}">Help</a>
    <a href="{{ links.leave }}">Unsubscribe</a></mj-text>
  <mj-text>{% for line in brand.imprint %}{{ line }}<br />{% endfor %}</mj-text>
</mj-column></mj-section>
</mj-body></mjml>"""
SUBJECT = "For {{ person.first_name }}"
TEXT = "Hello\n" + "".join(f"{{{{ links.{name} }}}}\n" for name in NAMES)


def main() -> None:
    """Prints mails per second and core, and the two ratios."""
    mails = int(sys.argv[1]) if len(sys.argv) > 1 else MAILS
    mjml = mail()
    html = compile_mjml(mjml, {})
    people = [person(number) for number in range(PEOPLE)]
    task = {"mjml": mjml, "html": html, "names": NAMES, "key": KEY, "people": people}
    task |= {"mails": mails, "compiles": COMPILES, "values": VALUES}
    theirs = peer(task)
    same = filled(html, people[(mails - 1) % PEOPLE])
    assert markup.unescape(theirs["last"]) == markup.unescape(same), "they say different things"
    compiling = seconds(lambda n: compile_mjml(mjml.replace("Number 0", f"No. {n}"), {}), COMPILES)
    whole = seconds(lambda n: filled(html, people[n % PEOPLE]), mails)
    signing = 10 * seconds(lambda n: signed(f"p{n}"), mails // 10)
    plain = _parsed(html, True)
    slow = 50 * seconds(lambda n: plain.render(**values(people[n % PEOPLE])), mails // 50)
    sent = 10 * seconds(lambda n: as_sent(html, people[n % PEOPLE]), mails // 10)
    print(f"{len(mjml) / 1000:.1f} KB of MJML, {len(html) / 1000:.1f} KB of HTML, {LINKS} links")
    print("mails per second and core, their links signed (filled in alone)")
    for name, took, of_it in (
        ("Tante", whole, signing),
        ("liquidjs", theirs["rendering"], theirs["signing"]),
        ("python-liquid", slow, signing),
    ):
        print(f"  {name:14} {mails / took:8,.0f}  ({mails / (took - of_it):8,.0f})")
    print(f"  Tante, as sent {mails / sent:8,.0f}  (with subject, plain text, links checked)")
    print(f"  liquidjs's mails x {theirs['rendering'] / whole:.2f} (goal: at least {RENDERING:g})")
    print(
        f"compiling: {compiling / COMPILES * 1000:.2f} ms, npm mjml's time x "
        f"{compiling / theirs['compiling']:.3f} (goal: at most {COMPILING:g})"
    )


def mail() -> str:
    """A newsletter of products, two beside each other."""
    rows = "".join(
        f"<mj-section>{_card(at)}{_card(at + 2)}</mj-section>" for at in range(0, LINKS - 4, 4)
    )
    return PAGE.replace("ROWS", rows)


def _card(at: int) -> str:
    return CARD.replace("FIRST", str(at)).replace("SECOND", str(at + 1))


def person(number: int) -> dict[str, Any]:
    """What is known of one, with ten things bought."""
    products = [
        {"name": f"Käse & Brot {number + n}", "price": 2.25 + n, "quantity": 2 * n + 1}
        for n in range(10)
    ]
    name = f"änne <{number}>"
    return {"id": f"p{number}", "first_name": name, "orders": number % 60, "products": products}


def signed(who: str) -> dict[str, str]:
    """The links of one person: HMAC (RFC 2104) over what each says."""
    found = {}
    for name in NAMES:
        payload = _encoded(_write([0, who, "run-1", "step-1", name]).encode())
        mac = hmac.digest(KEY.encode(), f"click\0{payload}".encode(), "sha256")[:16]
        found[name] = f"https://crm.example.com/c/1.{payload}.{_encoded(mac)}"
    return found


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def values(who: dict[str, Any]) -> dict[str, Any]:
    """What Liquid sees."""
    return {"person": who, "links": signed(who["id"]), **VALUES}


def filled(html: str, who: dict[str, Any]) -> str:
    """One mail's HTML."""
    return fill(html, values(who), autoescape=True)


def as_sent(html: str, who: dict[str, Any]) -> object:
    """One mail with all that the sender does."""
    return render_mail(SUBJECT, html, TEXT, values(who))


def seconds(work: Callable[[int], object], times: int) -> float:
    """Processor time, after a few to warm up."""
    for n in range(20):
        work(n)
    began = time.process_time()
    for n in range(times):
        work(n)
    return time.process_time() - began


def peer(task: dict[str, Any]) -> dict[str, Any]:
    """What Node says of the same work."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["node", HERE / "render_peer.mjs"],
        input=json.dumps(task), stdout=subprocess.PIPE, text=True, check=True,
        env={**os.environ, "PATH": path},
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
