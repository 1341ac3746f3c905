"""MJML is compiled once, Liquid is filled in for each person, nobody can do harm with either."""

import contextlib
import re
import time
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions import folder as folders
from functions.messages import template
from functions.messages.brand import Brand, from_mapping
from functions.messages.languages import languages
from functions.messages.template import (
    TemplateError,
    check,
    compile_file,
    compile_mjml,
    fill,
    link_map,
    plain_text,
    render_mail,
    render_sms,
)
from functions.messages.template_values import template_values
from functions.tracking.event import Event
from functions.tracking.identity import short_hash
from tests.support.world import JOURNEYS, START

LEAVE = "https://crm.example.com/leave/1.a.b"
LINKS = ("app", "premium", "shop", "guide-video", "imprint", "privacy")
QUICK = 3  # seconds of this process; what the traps took before they were closed was 14 to 24


def mjml(body: str, title: str = "<mj-title>Hello</mj-title>") -> str:
    section = f"<mj-section><mj-column><mj-text>{body}</mj-text></mj-column></mj-section>"
    return f"<mjml><mj-head>{title}</mj-head><mj-body>{section}</mj-body></mjml>"


def problems(text: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.text) for problem in check("guide.de.mjml", text, LINKS)]


def test_a_link_that_brand_yaml_does_not_name_is_refused_with_the_name_that_was_meant() -> None:
    text = 'Hello\n<a href="{{ links.premum }}">{{ links.guide-video }}</a>'
    assert problems(text) == [(2, 'brand.yaml has no link "premum"; did you mean "premium"?')]


def test_a_misspelt_first_word_is_refused_and_a_name_that_a_part_assigns_is_not() -> None:
    text = "{{ persn.first_name }} {{ full_name }}"
    assert problems(text) == [(1, 'messages know no "persn"; did you mean "person"?')]


# --- compiling


def test_a_mail_compiles_to_subject_html_and_plain_text() -> None:
    found = compile_file("guide.de.mjml", mjml("Words"), {})
    assert found.keys() == {"guide.de.html", "guide.de.subject", "guide.de.txt"}
    assert found["guide.de.subject"] == "Hello"
    assert found["guide.de.txt"] == "Words"
    assert found["guide.de.html"].startswith("<!doctype html>")


@pytest.mark.parametrize("name", ["welcome.de.txt", "come-back.de.sms", "journey.yaml"])
def test_other_files_are_published_as_they_are(name: str) -> None:
    assert compile_file(name, "Hello", {}) == {}


def test_a_part_is_pasted_in_also_from_within_a_part() -> None:
    parts = {"../parts/a.mjml": 'A <mj-include path="../parts/b.mjml" />', "../parts/b.mjml": "B"}
    html = compile_mjml(mjml('<mj-include path="../parts/a.mjml"/>'), parts)
    assert "A B" in html


def test_a_missing_part_is_told_with_those_that_there_are() -> None:
    with pytest.raises(TemplateError, match=r'no part "\.\./parts/x\.mjml".*\.\./parts/a\.mjml'):
        compile_mjml(mjml('<mj-include path="../parts/x.mjml" />'), {"../parts/a.mjml": ""})


def test_a_part_that_includes_itself_is_refused() -> None:
    text = '<mj-include path="../parts/a.mjml" />'
    with pytest.raises(TemplateError, match="includes itself"):
        compile_mjml(mjml(text), {"../parts/a.mjml": text})


@pytest.mark.parametrize("tag", ["mj-txt", "mjtext", "mj_text", "MJ-text"])
def test_a_misspelt_tag_is_named(tag: str) -> None:
    with pytest.raises(TemplateError, match=f"<{tag}> is not a tag of MJML"):
        compile_mjml(mjml(f"</mj-text><{tag}>x</{tag}><mj-text>"), {})


def test_a_tag_that_is_not_closed_is_told_as_a_problem_of_the_template() -> None:
    with pytest.raises(TemplateError, match="not readable as MJML"):
        compile_mjml(mjml("</mj-column>"), {})


@pytest.mark.parametrize("title", ["", "<mj-title></mj-title>", "<mj-title>  </mj-title>"])
def test_a_mail_without_a_subject_is_refused_and_told_where_it_goes(title: str) -> None:
    with pytest.raises(TemplateError, match=r"subject is missing.*<mj-title>"):
        compile_file("guide.de.mjml", mjml("x", title), {})


LIQUID = [
    '{% if person.orders < 2 and person.name != "x" %}few{% endif %}',
    "{{ person.name | default: '<b>' }}",
    "{%- for p in entry.products -%}{{ p.name }}{%- endfor -%}",
    '{{ "a & b" }}',
]


@pytest.mark.parametrize("piece", LIQUID)
def test_liquid_comes_through_mjml_unharmed(piece: str) -> None:
    assert piece in compile_mjml(mjml(piece), {})


def test_liquid_may_stand_around_sections_columns_and_texts_and_in_attributes() -> None:
    text = (
        "<mjml><mj-head><mj-title>Hi {{ person.name }}</mj-title></mj-head><mj-body>"
        "{% for s in entry.s %}<mj-section>{% for c in s %}<mj-column>{% if c < 3 %}<mj-text>"
        "{{ c }}</mj-text>{% endif %}</mj-column>{% endfor %}</mj-section>{% endfor %}"
        '<mj-section><mj-column><mj-button href="{{ links.shop }}">Go</mj-button>'
        "</mj-column></mj-section></mj-body></mjml>"
    )
    found = compile_file("a.de.mjml", text, {})
    html = found["a.de.html"]
    assert found["a.de.subject"] == "Hi {{ person.name }}"
    assert html.count("{% for") == html.count("{% endfor %}") == 2
    assert html.count("{% if c < 3 %}") == html.count("{% endif %}") == 1
    assert 'href="{{ links.shop }}"' in html
    filled = fill(
        html, {"entry": {"s": [[1, 5], [2]]}, "links": {"shop": "https://x.example"}}, True
    )
    assert re.findall(r">(\d)</div>", filled) == ["1", "2"]


@pytest.mark.parametrize("word", ["liquid0x", "liquid99x and liquid1x", "x0x"])
def test_no_word_of_a_marketer_is_taken_for_liquid(word: str) -> None:
    assert word in compile_mjml(mjml(word + " {{ a }} {{ b }}"), {})
    assert word in plain_text(f"<p>{word} {{{{ a }}}}</p>")


def test_links_are_marked_by_name_or_by_a_number_for_each_target() -> None:
    words = """<a href="{{ links.guide-video }}">a</a> <a href="https://x.example/?a=1&amp;b">b</a>
    <a href="{{ entry.url }}">c</a> <a href='https://x.example/?a=1&amp;b'>d</a>"""
    html = compile_mjml(mjml(words), {})
    assert 'href="{{ links.guide-video }}" tante:link="guide-video"' in html
    assert link_map(html) == {
        "guide-video": "{{ links.guide-video }}",
        "1": "https://x.example/?a=1&b",
        "2": "{{ entry.url }}",
    }
    assert html.count("tante:link") == 4


@pytest.mark.parametrize(
    "href",
    [
        *("{{ unsubscribe }}", "{{unsubscribe}}", "{{ links.imprint }}", "{{ links.privacy }}"),
        *("{{ download.whitepaper }}", "mailto:shop@example.com", "tel:+49301", "#top"),
    ],
)
def test_leaving_small_print_and_what_is_no_web_address_are_not_tracked(href: str) -> None:
    html = compile_mjml(mjml(f'<a href="{href}">x</a>'), {})
    assert f'href="{href}"' in html
    assert "tante:link" not in html


@pytest.mark.parametrize(
    "url",
    ["https://shop.example@elsewhere.example/", "https://shop.example\\@elsewhere.example"],
)
def test_a_link_that_seems_to_lead_elsewhere_than_it_does_is_refused(url: str) -> None:
    html = f'<a href="{url}">x</a>'
    with pytest.raises(TemplateError, match="leads nowhere safe") as refused:
        render_mail("s", html, "t", {})
    assert refused.value.near == url


# --- plain text


def test_the_plain_text_has_the_words_and_where_links_lead() -> None:
    html = compile_mjml(
        mjml('One&nbsp;two <b>three</b><br/>four <a href="{{ links.shop }}">the shop</a>'), {}
    )
    assert plain_text(html) == "One two three\nfour the shop ({{ links.shop }})"


def test_the_plain_text_has_a_list_s_points_and_no_address_twice() -> None:
    html = (
        '<ul><li>one</li><li><b>two</b></li></ul><a href="https://x.example">https://x.example</a>'
    )
    assert plain_text(html) == "- one\n- two\nhttps://x.example"


@pytest.mark.parametrize(
    "hidden",
    [
        '<div style="display: none">no<br/>no<img src="a"/>no</div>',
        '<div style="color:red;display:none;">no<br>no<img src="a">no</div>',
        '<table aria-hidden="true"><tr><td>no<wbr>no</td></tr></table>',
        "<style>no { no: no }</style>",
        "<!-- no -->",
        '<head><meta charset="utf-8"/><title>no</title></head>',
    ],
)
def test_what_no_reader_sees_is_not_in_the_plain_text(hidden: str) -> None:
    assert plain_text(f"<p>before</p>{hidden}<p>after</p>").split() == ["before", "after"]


# --- what a person wrote is text, never markup


class Shape(HTMLParser):
    """The tags and attributes of a page, without any text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}", ()))

    def handle_comment(self, data: str) -> None:
        self.found.append(("!", ()))

    def handle_decl(self, decl: str) -> None:
        self.found.append(("!decl", ()))


PLACES = """<p title="{{ person.name }}" style='color: {{ person.name }}'>{{ person.name }}</p>
<img alt="{{ person.name }}" src="https://x.example/{{ person.name | url_encode }}">
{{ person.name | upcase }}{{ person.name | newline_to_br | strip_newlines | replace: "br", "" }}
{% capture name %}{{ person.name }}{% endcapture %}<b>{{ name }}{{ name | truncate: 20 }}</b>
{% assign n = person.name | append: "!" %}{{ n }}{{ n | split: "," | join: "/" }}
{% for letter in person.list %}<i title="{{ letter }}">{{ letter }}</i>{% endfor %}
{{ person.map }}{{ person.missing | default: person.name }}{{ person.name | strip_html }}"""
NASTY = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="<>\"'&;/= -!abjs\n\t\0`{}%|", max_size=40),
    st.sampled_from(
        [
            '"><script>alert(1)</script>',
            "' onmouseover='alert(1)",
            "--><img src=x onerror=alert(1)>",
            "{{ person.secret }}{% raw %}",
            "&lt;script&gt;",
            "&#60;b&#62;",
            "</title><script>",
        ]
    ),
)


@given(NASTY)
@example("src=javascript:x href=y action='z'")
def test_no_text_of_a_person_makes_a_tag_or_an_attribute(text: str) -> None:
    def shape(value: str) -> list[tuple[str, tuple[str, ...]]]:
        person = {"name": value, "list": [value, value], "map": {value: [value]}}
        return Shape(render_mail("s", PLACES, "t", {"person": person}).html).found

    plain = [tag for tag in shape("x") if tag[0] != "br"]
    assert [tag for tag in shape(text) if tag[0] not in ("br", "/br")] == plain


@pytest.mark.parametrize("name", sorted(template._HTML.filters))
def test_no_filter_lets_markup_of_a_person_through(name: str) -> None:
    nasty = '<b x="1">&\'</b>'
    values = {"p": nasty, "ps": [nasty, nasty], "b": "PGI+", "u": "%3Cb%3E"}
    for arguments in ("", ": p", ": p, p", ": 1", ": 'a'", ": 'b', p", ": '', p"):
        for source in ("p", "ps", "b", "u", "missing"):
            try:
                html = fill(f"{{{{ {source} | {name}{arguments} }}}}", values, autoescape=True)
            except TemplateError:
                continue
            assert "<b" not in html, (source, arguments, html)


def test_what_a_person_wrote_is_never_read_as_liquid() -> None:
    person = {"name": "{{ person.secret }}{% include 'x' %}", "secret": "S3CRET"}
    mail = render_mail(
        "{{ person.name }}", "{{ person.name }}", "{{ person.name }}", {"person": person}
    )
    assert "S3CRET" not in mail.html + mail.text + mail.subject


# --- links


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "java&#09;script:alert(1)",
        "&#106;avascript:alert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "//evil.example",
        "/local",
        "file:///etc/passwd",
    ],
)
@pytest.mark.parametrize("attribute", ["href", "src", "action", "HREF "])
def test_a_link_that_is_not_an_address_of_the_web_mail_or_telephone_is_refused(
    link: str, attribute: str
) -> None:
    with pytest.raises(TemplateError, match="a link begins with none of"):
        render_mail("s", f'<a class="x" {attribute}="{link}">x</a>', "t", {})
    with pytest.raises(TemplateError, match="a link begins with none of"):
        render_mail("s", f"<a {attribute}={{{{ link }}}}>x</a>", "t", {"link": link.strip()})


def test_a_link_in_outlook_s_conditional_comment_is_checked_too() -> None:
    with pytest.raises(TemplateError, match="a link begins with none of"):
        render_mail("s", '<!--[if mso]><a href="javascript:x">x</a><![endif]-->', "t", {})


@pytest.mark.parametrize(
    "link", ["https://x.example/?a=1&b=2", "http://x", "mailto:a@b.c", "tel:+49", "#top", "", " "]
)
def test_addresses_of_the_web_mail_and_telephone_are_links(link: str) -> None:
    assert link in render_mail("s", f'<a href="{link}">x</a>', "t", {}).html


@pytest.mark.parametrize("words", ["src=foo", 'Our "action = reaction" week', "href=javascript:x"])
def test_words_that_look_like_a_link_s_attribute_are_words(words: str) -> None:
    html = "<p>{{ person.name }}</p>"
    assert render_mail("s", html, "t", {"person": {"name": words}}).html
    assert words in render_mail("s", f"<p>{words}</p>", "t", {}).html


# --- bounds


@pytest.mark.parametrize(
    "source",
    [
        "{% assign x = (1..30000000) | join: 'x' %}",
        "{{ (1..100000000) | size }}",
        "{% assign x = (1..person['a(b']) | join: 'x' %}",
        "{% tablerow i in (1..100000000) %}x{% endtablerow %}",
        "{% for i in (1..100000000) reversed %}x{% endfor %}",
        "{% for i in (1..9) limit:3 reversed %}x{% endfor %}",
        "{% for i in list %}{% assign x = (1..9) %}{% endfor %}",
        "{% liquid\nassign x = (1..30000000) | join: 'x' %}",
        "{% capture x %}{{ ( 1 .. 9 ) }}{% endcapture %}",
        "{% if (1..9) contains 3 %}x{% endif %}",
    ],
)
def test_a_range_outside_the_head_of_a_for_loop_is_refused_before_it_costs_anything(
    source: str,
) -> None:
    assert any("range" in text for _, text in problems(f"one\n{source}"))
    assert problems(f"one\n{source}")[0][0] == 2


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..10) %}x{% endfor %}",
        "{%- for i in (1..person.orders) limit:3 -%}x{%- endfor -%}",
        "{{ person.name | truncate: 10, '...' }}",
        "{{ person.name | default: '(1..9)' }}",
        "{{ person.name | default: '| safe' }}",
        "A sentence (with 1..9) outside of Liquid",
    ],
)
def test_what_only_looks_dangerous_is_allowed(source: str) -> None:
    assert not problems(source)


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{% for i in (1..n) %}x{% endfor %}",
        "{% for i in (1..99999999999999999999999999) %}x{% endfor %}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}x{% endfor %}{% endfor %}",
        "{% for i in (1..1000) %}{{ long }}{% endfor %}",
        "{% assign s = 'xxxx' %}{% for i in (1..99) %}{% assign s = s | append: s %}{% endfor %}",
        "{% assign n = 9 %}{% for i in (1..200) %}{% assign n = n | times: n %}{% endfor %}",
        "{{ 1 | divided_by: 0 }}",
        "{{ 'x' | times: 'y' | divided_by: '' }}",
    ],
)
@pytest.mark.parametrize("autoescape", [True, False])
def test_loops_output_and_names_are_bounded(source: str, autoescape: bool) -> None:
    began = time.process_time()
    with pytest.raises(TemplateError, match="not fillable"):
        fill(source, {"n": 10**9, "long": "x" * 10_000}, autoescape)
    assert time.process_time() - began < QUICK


@pytest.mark.parametrize("source", ["{{ p | safe }}", "{{ p|safe }}", "{% assign x = p | safe %}"])
def test_the_filter_safe_is_refused_when_checked_and_when_filled(source: str) -> None:
    assert problems(f"\n\n{source}") == [
        (3, 'the filter "safe" is not allowed: it would let markup through')
    ]
    with pytest.raises(TemplateError):
        fill(source, {"p": "<b>"}, autoescape=True)


def test_a_misspelt_filter_is_told_before_anything_is_sent() -> None:
    assert problems("{{ a }}\n{{ person.name | upcase | captalize }}") == [
        (2, 'there is no filter "captalize"')
    ]


@pytest.mark.parametrize("tag", ["include", "render"])
def test_liquid_s_own_ways_to_read_files_are_refused(tag: str) -> None:
    assert f'"{tag}" is not possible' in problems(f"{{% {tag} '/etc/passwd' %}}")[0][1]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n{% if x %}\nb", 0),
        ("a\nb\n{{ x | }}", 3),
        ("{% fro x in y %}", 1),
        ("a\n{% endif %}", 2),
    ],
)
def test_liquid_that_cannot_be_read_is_told_with_its_line(text: str, line: int) -> None:
    [(found, words)] = problems(text)
    assert words.startswith("not readable as Liquid")
    assert found >= line


@given(st.text(alphabet="{}%|'\"(.)1x for in safe\n", max_size=60))
@settings(max_examples=200)
def test_no_text_breaks_the_checker_nor_the_filling(text: str) -> None:
    list(check("x.de.sms", text, LINKS))
    with contextlib.suppress(TemplateError):
        fill(text, {}, autoescape=True)


# --- subject and text message


@given(st.text(max_size=80))
@example("a\r\nBcc: everybody@example.com")
@example("a\x00b\x1fc\x7f")
@example("a\x85b\u2028c")
def test_a_subject_is_one_line_without_control_characters(name: str) -> None:
    subject = render_mail("Hi {{ person.name }}", "x", "x", {"person": {"name": name}}).subject
    assert not re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029]", subject)
    assert subject == subject.strip()
    assert len(subject) <= 500


@given(st.text(max_size=80))
def test_a_text_message_is_one_line(name: str) -> None:
    text = render_sms("Hi\n {{ person.name }}\n\nBye", {"person": {"name": name}}).text
    assert len(text.splitlines()) == 1


def test_an_empty_text_message_is_refused() -> None:
    with pytest.raises(TemplateError, match="empty"):
        render_sms("{{ person.nothing }}\n", {"person": {}})


def test_plain_text_and_subject_are_not_escaped() -> None:
    values = {"person": {"name": "Müller & Söhne <GmbH>"}}
    mail = render_mail("{{ person.name }}", "{{ person.name }}", "{{ person.name }}", values)
    assert mail.subject == "Müller & Söhne <GmbH>"
    assert mail.text == "Müller & Söhne <GmbH>\n"
    assert mail.html == "Müller &amp; Söhne &lt;GmbH&gt;"


# --- what we ship


@cache
def shipped() -> tuple[folders.Checked, ...]:
    return tuple(folders.check(folders.read_folder(JOURNEYS)))


def shipped_messages() -> Iterator[tuple[str, str, str, str]]:
    """(journey, message, channel, locale) of every message in every language."""
    for folder in sorted(path for path in JOURNEYS.iterdir() if path.is_dir()):
        for path in sorted(folder.iterdir()):
            name, _, rest = path.name.partition(".")
            locale, _, kind = rest.partition(".")
            if kind in ("mjml", "sms") and folder.name != folders.PARTS:
                yield folder.name, name, "sms" if kind == "sms" else "email", locale


def brand() -> Brand:
    text = (JOURNEYS / "brand.yaml").read_text("utf-8")
    return from_mapping(folders.read("brand.yaml", text).value)


FULL = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "locale": "de-DE",
    "company": "Analytical & Söhne",
    "orders": 3,
    "first_order": START,
    "last_order": START,
    "last_seen": START,
}
EMPTY: dict[str, Any] = {"locale": None, "orders": 0, "last_order": None}


def entry(**properties: Any) -> Event:
    return Event(
        type="track",
        event="Order Completed",
        message_id="m",
        time=START,
        received_at=START,
        client_time=START.isoformat(),
        properties=properties,
    )


ORDER = entry(order_id="A-1", products=[{"sku": "basic-1y", "name": "Basic"}, {"name": "<b>"}])


@pytest.mark.parametrize(("journey", "message", "channel", "locale"), list(shipped_messages()))
@pytest.mark.parametrize(
    ("person", "event"), [(FULL, ORDER), (EMPTY, entry())], ids=["full", "empty"]
)
def test_every_shipped_message_reads_well_for_a_full_and_for_an_empty_person(
    journey: str, message: str, channel: str, locale: str, person: dict[str, Any], event: Event
) -> None:
    files = next(one.files for one in shipped() if one.journey.name == journey)
    values = template_values(person, event, brand(), LEAVE, 0)
    stem = f"{message}.{locale}"
    if channel == "sms":
        text = render_sms(files[f"{stem}.sms"], values).text
        assert brand().name in text
        assert "https://" in text
        assert len(text) <= 160 or locale == "de", len(text)
    else:
        mail = render_mail(
            files[f"{stem}.subject"], files[f"{stem}.html"], files[f"{stem}.txt"], values
        )
        text = mail.text
        assert len(mail.subject) > 5
        assert "{{" not in mail.html
        assert "{%" not in mail.html
        assert brand().imprint[0] in mail.html
        assert re.search(r"^(Hello|Guten Tag)( \S+)*,$", mail.text, re.MULTILINE)
        assert set(brand().imprint) <= set(mail.text.splitlines())
        made = plain_text(files[f"{stem}.html"]) == files[f"{stem}.txt"]
        for address in re.findall(r'href="([^"]+)"', mail.html) if made else ():
            assert f"({address})" in mail.text
    assert "{{" not in text
    assert "{%" not in text
    assert "None" not in text
    assert "()" not in text


def test_every_shipped_message_exists_in_every_language_of_the_brand() -> None:
    wanted = set(brand().languages)
    for one in shipped():
        for journey, message, channel, _ in shipped_messages():
            if journey == one.journey.name:
                assert set(languages(one.files)[message][channel]) == wanted, (journey, message)


@pytest.mark.parametrize(("needs_leaving", "url"), [(True, LEAVE), (False, "")])
def test_the_shipped_footer_offers_leaving_where_permission_was_needed(
    needs_leaving: bool, url: str
) -> None:
    files = next(one.files for one in shipped() if one.journey.name == "onboarding")
    values = template_values(FULL, ORDER, brand(), url, 0)
    for locale in brand().languages:
        html = fill(files[f"guide.{locale}.html"], values, autoescape=True)
        assert (LEAVE in html) is needs_leaving
        assert 'href=""' not in html


def test_a_version_is_another_as_soon_as_one_letter_of_a_template_is() -> None:
    one = shipped()[0]
    name = next(name for name in one.files if name.endswith(".html"))
    other = folders.Checked(one.journey, {**one.files, name: one.files[name] + " "})
    assert other.version != one.version
    assert len(one.version) == len(short_hash("x"))


def test_only_links_that_the_brand_knows_are_used_in_what_we_ship() -> None:
    known = set(brand().links)
    for path in Path(JOURNEYS).rglob("*.*"):
        if path.suffix in (".mjml", ".txt", ".sms"):
            used = set(re.findall(r"links\.([\w-]+)", path.read_text("utf-8")))
            assert used <= known, (path, used - known)
