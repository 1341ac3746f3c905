"""What is asked of a forecast: of which journey, on whom, and for how long."""

from datetime import date
from typing import Annotated, Literal

import msgspec

Mode = Literal["replay", "expect"]
MOST_DAYS = 366
MOST_PEOPLE = 1_000_000


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One forecast.

    `mode`: "replay" lets what people really did pass once more, from `since` on (without one, so
    many `days` back from now); "expect" begins today, with what they are expected to do. `sample`
    looks at so many people by `seed` and counts them for all; `people` makes up so many, for a
    company that knows nobody yet. `draws`: how often chance is tried. `newcomers`: whether in
    "expect" people come who are not known yet, as others came in as many days before.
    It is warned of people who would get more than `most_a_week` messages in seven days, and of more
    messages than the providers take: `mails_a_second` and `mails_a_day` are SES's sending rate and
    quota of the account, `texts_a_second` is that of text messages; without one nothing is said.
    """

    journey: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    mode: Mode = "replay"
    days: Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)] = 90
    since: date | None = None
    seed: Annotated[str, msgspec.Meta(max_length=60)] = "1"
    sample: Annotated[int, msgspec.Meta(ge=1, le=MOST_PEOPLE)] | None = None
    people: Annotated[int, msgspec.Meta(ge=1, le=MOST_PEOPLE)] | None = None
    draws: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    newcomers: bool = True
    most_a_week: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 3
    mails_a_second: Annotated[float, msgspec.Meta(gt=0)] | None = None
    mails_a_day: Annotated[int, msgspec.Meta(ge=1)] | None = None
    texts_a_second: Annotated[float, msgspec.Meta(gt=0)] | None = None
