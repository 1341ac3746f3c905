"""A person's referral code and link in messages."""

from collections.abc import Iterator
from functools import lru_cache

from functions.messages.brand import Brand
from functions.messages.template import LIQUID
from functions.problem import Problem

CODE, LINK = "referral_code", "referral_link"  # of the person


@lru_cache(maxsize=512)
def mentions(text: str) -> bool:
    """Whether a template shows the person's code or link."""
    return "person.referral_" in text and any(
        f"person.{name}" in tag for tag in LIQUID.findall(text) for name in (CODE, LINK)
    )


def for_template(code: str, brand: Brand) -> dict[str, str]:
    """What Liquid sees of it among a person's fields."""
    return {CODE: code, LINK: brand.referral_page + code if brand.referral_page else ""}


def check(file: str, text: str, brand: Brand) -> Iterator[Problem]:
    """Links that lead nowhere, because brand.yaml does not say where."""
    for match in () if brand.referral_page else LIQUID.finditer(text):
        if f"person.{LINK}" in match.group():
            line = text.count("\n", 0, match.start()) + 1
            words = (
                f'"person.{LINK}" leads nowhere: brand.yaml has no "referral page"; '
                "write one there, like https://shop.example/?ref="
            )
            yield Problem(file, line, words)
