"""The company that a person belongs to, as conditions and templates see it."""

import re
from decimal import Decimal
from typing import Any

from functions.segments.operators import Kind, is_number
from functions.segments.phrases import BadPhrase
from functions.tracking.company import companies, membership
from functions.tracking.profile import Profile

KINDS: dict[str, Kind] = {"employees": "number", "since": "date"}
# Staff headcounts of the European Commission's Recommendation 2003/361/EC, article 2.
SIZES = ((10, "micro"), (50, "small"), (250, "medium"))
LARGE = "large"
SUMMED_UP = ("score", "stage", "stages")  # of the members: see decision 30
_COUNT = re.compile(r"\s*(\d{1,3}(?:[.,' ]\d{3})+|\d+)(?!\d|[.,]\d)")


def check(tests: Any) -> None:
    """Raises BadPhrase for what is known of an account only once somebody looks at it."""
    for path in tests if isinstance(tests, dict) else ():
        word = str(path).partition(".")[0]
        if word in SUMMED_UP:
            own = "stage" if word == "stages" else word
            raise BadPhrase(
                f'account: "{word}" is summed up from the members when somebody looks at the '
                "account, and no condition can ask for it: each click of one member would change "
                f"all others. Ask the person ({{person: {{{own}: ...}}}}); what your CRM says "
                f'needs another name, like "crm_{own}"'
            )


def fields(profile: Profile) -> dict[str, Any]:
    """The fields of the person's main company, which a group call named last; {} without one.

    Its traits, as of the copy in the profile, and on top of them `id`, `name`, `employees` as a
    number, `size` by it, `country`, `city`, and what the person is there: `role`, `level`,
    `department`, `buying_role` and `since`.
    """
    main = next(iter(companies(profile)), None)
    return fields_of(profile, main) if main is not None else {}


def fields_of(profile: Profile, account_id: str) -> dict[str, Any]:
    """The same of another company of theirs."""
    company = profile.companies.get(account_id)
    traits = company.traits if company else {}
    return {
        **traits,
        **membership(profile, account_id),
        "since": company.joined if company else None,
        **described(account_id, traits),
    }


def described(account_id: str, traits: dict[str, Any]) -> dict[str, Any]:
    """What is computed of a company's traits."""
    employees = headcount(traits.get("employees"))
    return {
        "id": account_id,
        "name": traits.get("name") or account_id,
        "employees": employees,
        "size": _size(employees),
        "country": _place("country", traits),
        "city": _place("city", traits),
    }


def headcount(said: Any) -> Any:
    """A number of employees: Segment's specification says it as text ("1,200"), and many say a
    range ("51-200"), of which the lower end is sure; None where there is no number."""
    if is_number(said):
        return said
    found = _COUNT.match(said) if isinstance(said, str) else None
    return int(re.sub(r"\D", "", found[1])) if found else None


def _size(employees: Any) -> str | None:
    if employees is None:
        return None
    return next((name for bound, name in SIZES if Decimal(str(employees)) < bound), LARGE)


def _place(word: str, traits: dict[str, Any]) -> Any:
    address = traits.get("address")
    return traits.get(word) or (address.get(word) if isinstance(address, dict) else None)
