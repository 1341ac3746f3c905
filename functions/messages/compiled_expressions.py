"""Liquid's expressions as Python: paths, literals, filters and comparisons."""

from functools import partial
from typing import Any

from liquid import Markup
from liquid.builtin.expressions.filtered import FilteredExpression
from liquid.builtin.expressions.logical import (
    BooleanExpression,
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.path import Path
from liquid.builtin.expressions.primitive import (
    Blank,
    Empty,
    FalseLiteral,
    FloatLiteral,
    IntegerLiteral,
    Nil,
    RangeLiteral,
    StringLiteral,
    TrueLiteral,
)

from functions.messages.compiled_source import Source, Unsure

_LITERALS = (TrueLiteral, FalseLiteral, IntegerLiteral, FloatLiteral)
_OF_LOOPS = frozenset({"length", "index", "index0", "rindex", "rindex0", "first", "last"})
_SPECIAL = frozenset({"size", "first", "last"})
_NOT_OURS = frozenset({"partial", "now", "today"})  # names that python-liquid itself puts in
_COMPARED: dict[type, str] = {
    EqExpression: "",
    NeExpression: "",
    LtExpression: "lt({token}, {left}, {right})",
    GtExpression: "lt({token}, {right}, {left})",
    LeExpression: "le({left}, {right})",
    GeExpression: "le({right}, {left})",
    ContainsExpression: "contains({token}, {left}, {right})",
}


class Expressions(Source):
    """Each method returns the name of its result, or a constant."""

    def value(self, expression: Any) -> str:
        kind = type(expression)
        if kind is Path:
            return self.path(expression)
        if kind is StringLiteral:
            text = expression.value
            return self.constant(Markup(text) if self.env.autoescape else text)
        if kind in _LITERALS:
            return self.constant(expression.value)
        if kind is Nil:
            return "None"
        if kind in (Empty, Blank):
            return self.constant(expression)
        if kind is RangeLiteral:
            start, stop = self.value(expression.start), self.value(expression.stop)
            return self.put(f"{self.constant(expression._make_range)}({start}, {stop})")
        if kind is FilteredExpression:
            return self.filtered(expression)
        return self.condition(expression)

    def filtered(self, expression: FilteredExpression) -> str:
        found = self.value(expression.left)
        for each in expression.filters or ():
            function = self.env.filters.get(each.name)
            if function is None or getattr(function, "with_context", False):
                raise Unsure
            if getattr(function, "with_environment", False):
                function = partial(function, environment=self.env)
            given = [found]
            for argument in each.args:
                name = getattr(argument, "name", "")
                if name and not (name.isascii() and name.isidentifier()):
                    raise Unsure
                given.append((f"{name}=" if name else "") + self.value(argument.value))
            found = self.put(f"{self.constant(function)}({', '.join(given)})")
        return found

    def path(self, expression: Path) -> str:
        root, *rest = expression.path
        if not isinstance(root, str):
            raise Unsure
        base, always = self.root(root)
        if root == "forloop" and always:
            _check_loop(rest)
        if always and not rest:
            return base
        absent = self.constant(self.env.undefined(root, token=expression.token))
        if not rest:
            return self.put(f"{absent} if {base} is MISSING else {base}")
        found = base
        for step in rest:
            if isinstance(step, str) and step not in _SPECIAL:
                found = f"{found}[{step!r}]"
            else:
                key = self.value(step) if isinstance(step, Path) else repr(step)
                found = f"item({found}, {key})"
        name = self.new()
        self.line(f"try: {name} = {found}")
        self.line(f"except ABSENT: {name} = {absent}")
        return name

    def root(self, name: str) -> tuple[str, bool]:
        """The variable for a name, and whether it surely has a value."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name], True
        if name in _NOT_OURS:
            raise Unsure
        return self.given.setdefault(name, f"g{len(self.given)}"), False

    def condition(self, expression: Any) -> str:
        """A name or an expression of Python's that is true or false and may be used once."""
        kind = type(expression)
        if kind is BooleanExpression:
            return self.condition(expression.expression)
        if kind in (LogicalAndExpression, LogicalOrExpression):
            found = self.put(self.condition(expression.left))
            with self.inside(f"if {'' if kind is LogicalAndExpression else 'not '}{found}:"):
                self.line(f"{found} = {self.condition(expression.right)}")
            return found
        if kind in _COMPARED:
            left, right = self.value(expression.left), self.value(expression.right)
            token = self.constant(expression.token)
            if kind in (EqExpression, NeExpression):
                equal = self.equal(left, right, expression.right)
                return self.put(equal if kind is EqExpression else f"not ({equal})")
            return self.put(_COMPARED[kind].format(left=left, right=right, token=token))
        if kind not in (Path, StringLiteral, Nil, Empty, Blank, RangeLiteral, *_LITERALS):
            raise Unsure
        name = self.value(expression)
        if not name.isidentifier():
            name = self.put(name)
        return (
            f"({name} is not None and {name} is not False"
            f" and ({name}.__class__ in PLAIN or is_true({name})))"
        )

    def equal(self, left: str, right: str, literal: Any) -> str:
        if type(literal) is StringLiteral and left.isidentifier():
            return f"({left} == {right} if {left}.__class__ is str else eq({left}, {right}))"
        return f"eq({left}, {right})"


def _check_loop(rest: list[Any]) -> None:
    """Python-liquid's loop goes on when somebody only looks through it: ours does not."""
    *above, last = rest or [""]
    if last not in _OF_LOOPS or any(step != "parentloop" for step in above):
        raise Unsure
