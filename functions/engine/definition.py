"""The core of the Amazon States Language as types: what they do not name is refused."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

MOST_SECONDS = 99_999_999  # Amazon's own bound for waits, timeouts and attempts

Seconds = Annotated[int, Meta(ge=1, le=MOST_SECONDS)]
ErrorNames = Annotated[list[str], Meta(min_length=1)]
Resource = Literal[
    "arn:aws:states:::lambda:invoke", "arn:aws:states:::lambda:invoke.waitForTaskToken"
]


class _Strict(Struct, rename="pascal", forbid_unknown_fields=True):
    """Names as in Amazon's language, and no others."""

    def need_one_of(self, *fields: str) -> None:
        if sum(getattr(self, field) is not UNSET for field in fields) != 1:
            names = ", ".join(field.title().replace("_", "") for field in fields)
            raise ValueError(f"needs exactly one of {names}")


class Definition(_Strict):
    """A whole state machine; its states are read one by one."""

    start_at: str
    states: dict[Annotated[str, Meta(min_length=1)], Any]
    comment: str = ""


class Retry(_Strict):
    """How often, and after how long, a failed task is tried again."""

    error_equals: ErrorNames
    interval_seconds: Seconds = 1
    max_attempts: Annotated[int, Meta(ge=0, le=MOST_SECONDS)] = 3
    backoff_rate: Annotated[float, Meta(ge=1)] = 2.0
    max_delay_seconds: Annotated[int, Meta(ge=1, lt=31_622_400)] | UnsetType = UNSET
    jitter_strategy: Literal["FULL", "NONE"] = "NONE"


class Catch(_Strict):
    """Where a failed task goes on, and where its error is put."""

    error_equals: ErrorNames
    result_path: str | None
    next: str


class Rule(_Strict):
    """One line of a Choice."""

    variable: str
    next: str
    string_equals: str | UnsetType = UNSET
    boolean_equals: bool | UnsetType = UNSET
    numeric_equals: float | UnsetType = UNSET
    is_present: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        self.need_one_of("string_equals", "boolean_equals", "numeric_equals", "is_present")


class Parameters(_Strict):
    """What lambda:invoke is given."""

    function_name: str
    payload: dict[str, Any]


class _State(_Strict, tag_field="Type", kw_only=True):
    comment: str = ""


class _Flow(_State, kw_only=True):
    next: str | UnsetType = UNSET
    end: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        self.need_one_of("next", "end")
        if self.end is False:
            raise ValueError("End must be true")


class Task(_Flow, tag="Task", kw_only=True):
    """Calls a handler; with waitForTaskToken it rests until its token is answered."""

    resource: Resource
    parameters: Parameters
    result_path: str | None
    timeout_seconds: Seconds | UnsetType = UNSET
    timeout_seconds_path: str | UnsetType = UNSET
    retry: list[Retry] = []
    catch: list[Catch] = []

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.timeout_seconds is not UNSET and self.timeout_seconds_path is not UNSET:
            raise ValueError("has both TimeoutSeconds and TimeoutSecondsPath")


class Wait(_Flow, tag="Wait", kw_only=True):
    """Rests for a while or until a moment."""

    seconds: Annotated[int, Meta(ge=0, le=MOST_SECONDS)] | UnsetType = UNSET
    seconds_path: str | UnsetType = UNSET
    timestamp_path: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        self.need_one_of("seconds", "seconds_path", "timestamp_path")


class Choice(_State, tag="Choice", kw_only=True):
    """Takes the first rule that holds."""

    choices: Annotated[list[Rule], Meta(min_length=1)]
    default: str | UnsetType = UNSET


class Pass(_Flow, tag="Pass", kw_only=True):
    """Goes on, perhaps with a literal put into the data."""

    result: Any = UNSET
    result_path: str | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.result is UNSET) != (self.result_path is UNSET):
            raise ValueError("Result and ResultPath go together")


class Succeed(_State, tag="Succeed"):
    """Ends well."""


class Fail(_State, tag="Fail", kw_only=True):
    """Ends badly."""

    error: str = ""
    cause: str = ""


State = Task | Wait | Choice | Pass | Succeed | Fail
