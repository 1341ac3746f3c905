"""A problem in a marketer's file: where it is and what would be right."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """Prints as `cart/journey.yaml:9: ...`; line 0 means the whole file."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.text}"


class Problems(ValueError):
    """All problems found in a folder."""

    def __init__(self, found: list[Problem]) -> None:
        self.found = sorted(set(found))
        super().__init__("\n".join(str(problem) for problem in self.found))
