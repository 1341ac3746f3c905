"""brand.yaml: what is typed right and wrong all the same is found before anything is published."""

import pytest

from functions.folder import check_brand
from functions.problem import Problems
from tests.support.world import JOURNEYS

TEXT = (JOURNEYS / "brand.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("time zone: Europe/Berlin", "time zone: Europe/Berln", 'did you mean "Europe/Berlin"?'),
        ("locale: de", "locale: fr", '"fr" is not among the languages: de, en'),
        ("owner: sales", "owner: nobody", '"nobody" is not a team; there are: sales, care'),
        ("email: hello@rechnungswerk.example", "email: nonsense", "is not an e-mail address"),
        ("shop: https://", "shop: ", "it begins with https://"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_right(
    right: str, wrong: str, said: str
) -> None:
    line = TEXT[: TEXT.index(right)].count("\n") + 1
    with pytest.raises(Problems) as caught:
        check_brand(TEXT.replace(right, wrong, 1))
    assert [problem.line for problem in caught.value.found] == [line]
    assert said in str(caught.value)


def test_the_shipped_brand_is_right() -> None:
    assert check_brand(TEXT).name
