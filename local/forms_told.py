"""The forms of a folder: in a line each, and as HTML for a page of the website."""

from collections.abc import Iterator
from pathlib import Path

from functions.folder import check_brand, check_live, read_folder
from functions.messages.brand import Brand
from functions.messages.form_page import form as page
from functions.messages.forms import Form, build
from functions.problem import Problems
from functions.segments.rules import FORMS_FILE


class NoForm(LookupError):
    """There is no such form, or not in this language; the text says which there are."""


def told(folder: Path) -> Iterator[str]:
    """A line for each form. Raises Problems."""
    for name, form in _read(folder)[0].items():
        words = f"{name}: {', '.join(form.channels)} for {', '.join(form.purposes)}"
        yield f"{words}; fields {', '.join(form.fields)}"


def snippet(folder: Path, name: str, at: str, language: str) -> str:
    """The HTML of a form that is sent to the Tante `at` this address. Raises NoForm, Problems."""
    forms, brand = _read(folder)
    form, spoken = forms.get(name), language or brand.locale
    if form is None:
        there = ", ".join(forms) or "none"
        raise NoForm(f'forms.yaml has no form "{name}"; there are: {there}')
    if spoken not in form.text:
        raise NoForm(f'the form has no words in "{spoken}"; there are: {", ".join(form.text)}')
    titles = {one: brand.purposes[one].title.get(spoken, one) for one in form.purposes}
    return page(form, spoken, titles, {}, action=f"{at.rstrip('/')}/forms/{name}")


def _read(folder: Path) -> tuple[dict[str, Form], Brand]:
    found = read_folder(folder)
    brand = check_brand(found.brand)
    wrong = [one for one in check_live(found, brand) if one.file == FORMS_FILE]
    if wrong:
        raise Problems(wrong)
    return build(found.raw(FORMS_FILE)), brand
