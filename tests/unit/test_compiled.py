"""Liquid as Python says what python-liquid says, or leaves it to python-liquid."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from liquid import BoundTemplate
from markupsafe import Markup

from functions.messages import template
from functions.messages.compiled import USES, Quick, function_of
from functions.messages.template import compile_mjml, fill
from tests.support.world import JOURNEYS

NAMES = ["a", "b", "list", "map", "word", "n", "none", "missing"]
WORDS = st.sampled_from(["", " ", "x", "<b>&\"'", "Ä ü", "10", "a,b", "true", "\ud800", "b"])
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(-3, 12), st.floats(-2, 2), WORDS)
NESTED: st.SearchStrategy[Any] = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "size", "first", "word"]), inner, max_size=3)
    ),
    max_leaves=8,
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "a": NESTED,
        "b": NESTED,
        "n": st.integers(-2, 60),
        "word": WORDS | st.sampled_from([Markup("<i>&amp;</i>"), "x" * 300]),
        "list": st.lists(NESTED, max_size=5),
        "map": st.dictionaries(st.sampled_from(["a", "b", "word"]), NESTED, max_size=3),
        "none": st.none(),
    },
)
LITERALS = ["'b'", '"<i>"', "''", "3", "-1", "2.5", "true", "false", "nil", "empty", "blank"]
STEPS = ["", "", "", ".a", ".a.b", ".word", "['b']", "[0]", "[-1]", "[word]", ".size", ".first"]
STEPS += [".last", ".first.a", ".index", ".length", ".parentloop.index"]
PATHS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from([*NAMES, "x", "y", "forloop", "partial", "c"]),
        st.sampled_from(STEPS),
    ),
)
TERMS = st.one_of(PATHS, PATHS, st.sampled_from(LITERALS))
FILTERS = st.sampled_from([*sorted(template._HTML.filters), "nonsense"])
PIPED = st.builds(
    lambda name, given: f" | {name}" + (f": {', '.join(given)}" if given else ""),
    FILTERS,
    st.lists(TERMS, max_size=2),
)
SAID = st.builds(lambda term, filters: term + "".join(filters), TERMS, st.lists(PIPED, max_size=2))
COMPARED = st.builds(
    " ".join,
    st.tuples(TERMS, st.sampled_from(["==", "!=", "<", ">", "<=", ">=", "<>", "contains"]), TERMS),
)
CONDITIONS = st.builds(
    lambda parts, words: " ".join(
        piece for pair in zip(parts, [*words, ""], strict=False) for piece in pair
    ).strip(),
    st.lists(COMPARED | TERMS, min_size=1, max_size=3),
    st.lists(st.sampled_from(["and", "or"]), min_size=2, max_size=2),
)
ROWS = st.builds(
    " ".join,
    st.tuples(
        st.sampled_from(["list", "a", "map", "(1..n)", "word", "b.a", "missing", "(1..3)", "c"]),
        st.sampled_from(["", "", "limit:2", "offset:1", "reversed", "limit:n offset:a"])
        | st.sampled_from(["offset:continue", "limit:2 offset:'1'"]),
    ),
)
TEXT = st.sampled_from(["", " ", "\n", "x", "<p>", "ä"])


SHAPES = [  # C: a condition, T: a term, R: what is gone through, _: what stands within
    "{% if C %}_{% endif %}",
    "{% if C %}_{% elsif C %}_{% else %}_{% endif %}",
    "{% unless C %}_{% else %}_{% endunless %}",
    "{% for x in R %}_{% endfor %}",
    "{% for y in R %}_{% else %}_{% endfor %}",
    "{%- for a in R -%}_{%- endfor -%}",
    "{% capture b %}_{% endcapture %}",
    "{% capture c %}_{% endcapture %}",
    "{% case T %}{% when T, T %}_{% when T %}_{% else %}_{% endcase %}",
    "____",
]


@st.composite
def tags(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """A template with one more tag around."""
    holes = {"C": CONDITIONS, "T": TERMS, "R": ROWS, "_": inner}
    shape = draw(st.sampled_from(SHAPES))
    return "".join(draw(holes[piece]) if piece in holes else piece for piece in shape)


LEAVES = st.one_of(
    TEXT,
    st.builds("{{{{ {} }}}}".format, SAID),
    st.builds("{{{{- {} -}}}}".format, SAID),
    st.builds("{{% assign {} = {} %}}".format, st.sampled_from("abc"), SAID),
    st.builds("{{% echo {} %}}".format, SAID),
    st.builds("{{% liquid assign c = {}\necho c %}}".format, SAID),
    st.sampled_from(
        ["{% break %}", "{% continue %}", "{% comment %}x{% endcomment %}", "{% # x %}"]
    ),
    st.sampled_from(["{% cycle 'a', 'b' %}", "{% increment c %}", "{% raw %}{{ a }}{% endraw %}"]),
)
TEMPLATES = st.recursive(LEAVES, tags, max_leaves=12)


def said(make: Any) -> tuple[str, str]:
    """What comes of it: a text, or an error's kind and words."""
    try:
        return ("", make())
    except Exception as error:
        return (type(error).__name__, str(error))


def parsed(source: str, autoescape: bool) -> BoundTemplate | None:
    try:
        found: BoundTemplate = template._parsed(source, autoescape)
    except Exception:
        return None
    return found


@given(TEMPLATES, VALUES, st.booleans())
@settings(max_examples=150)
def test_what_the_function_answers_is_what_python_liquid_answers(
    source: str, values: dict[str, Any], autoescape: bool
) -> None:
    read = parsed(source, autoescape)
    function = function_of(read) if read else None
    if not read or not function:
        return
    try:
        found = function(values)
    except Exception:
        return  # then python-liquid is asked
    assert found == read.render(**values)


OFTEN = ["{{ a }}", "{{ a | divided_by: 0 }}", "{{ a | nonsense }}", "{% break %}", "{{ a.b.c }}"]


@pytest.mark.parametrize("source", [*OFTEN, "{% cycle 'a', 'b' %}", "{% if a > 'x' %}{% endif %}"])
@pytest.mark.parametrize("value", ["<b>", 1, None, "\ud800"])
def test_a_template_says_the_same_however_often_it_is_used(source: str, value: Any) -> None:
    read = template._parsed(source, True)
    quick = Quick(read)
    found = {said(lambda: quick.fill({"a": value})) for _ in range(USES + 2)}
    assert found == {said(lambda: read.render(a=value))}


LONG = {"long": "ä" * 30_000, "list": list(range(50)), "n": 10**9}
BOUNDED = [
    "{% for i in (1..n) %}x{% endfor %}",
    "{% for i in list %}{% for j in list %}x{% endfor %}{% endfor %}",
    "{% for i in list %}{{ long }}{% endfor %}",
    "{% for i in list %}{% for j in list limit:9 %}{{ long }}{% break %}{% endfor %}{% endfor %}",
    "{% capture x %}{% for i in list %}{{ long }}{% endfor %}{% endcapture %}",
    "{% assign x = long %}",
    "{% capture x %}{{ long }}{% endcapture %}",
    "{{ long }}" * 17,
    "{% assign x = 'xx' %}{% for i in list %}{% assign x = x | append: x %}{% endfor %}",
]


@pytest.mark.parametrize("source", BOUNDED)
@pytest.mark.parametrize("autoescape", [True, False])
def test_a_limit_of_python_liquid_is_a_limit_of_the_function(source: str, autoescape: bool) -> None:
    read = template._parsed(source, autoescape)
    function = function_of(read)
    assert function is not None, "it is a template that is compiled"
    error, _ = said(lambda: read.render(**LONG))
    assert error.endswith("LimitError")
    assert said(lambda: function(LONG))[0], "it does not answer: which error is another's to say"
    quick = Quick(read)
    assert {said(lambda: quick.fill(LONG))[0] for _ in range(USES + 1)} == {error}


def shipped() -> list[Path]:
    return sorted(JOURNEYS.rglob("*.mjml"))


def test_every_mail_that_is_shipped_is_compiled() -> None:
    parts = {f"../parts/{p.name}": p.read_text() for p in (JOURNEYS / "parts").iterdir()}
    parts |= {f"../{name}": text for name, text in parts.items()}
    for file in shipped():
        if file.parent.name != "parts":
            html = compile_mjml(file.read_text(), parts)
            assert function_of(template._parsed(html, True)), file
            assert function_of(template._parsed(template.plain_text(html), False)), file


def test_a_template_used_often_goes_on_telling_the_line_of_an_error() -> None:
    lines = set()
    for _ in range(USES + 2):
        with pytest.raises(template.TemplateError, match="not fillable") as told:
            fill("a\nb\n{{ 1 | divided_by: 0 }}", {}, autoescape=True)
        lines.add(told.value.line)
    assert lines == {3}
