"""Liquid as Python: a template that python-liquid has read becomes one function, twice as fast.

The function says what python-liquid would say, or nothing: wherever the two might differ (a tag not
known here, any error, a limit that comes near) it raises, and python-liquid is asked instead. So
errors, limits and rare tags are python-liquid's own, and only the speed is ours. Comparisons,
filters and the ways into lists are its functions too.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from sys import getsizeof
from typing import Any

from liquid import BoundTemplate, Markup, Undefined
from liquid.ast import BlockNode, Node
from liquid.builtin.content import ContentNode
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
    _contains,
    _eq,
    _le,
    _lt,
    is_truthy,
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
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.comment_tag import CommentNode
from liquid.builtin.tags.doc_tag import DocNode
from liquid.builtin.tags.echo_tag import EchoNode
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode, ForLoop, ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.inline_comment_tag import InlineCommentNode
from liquid.builtin.tags.liquid_tag import LiquidNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.context import RenderContext
from liquid.stringify import to_liquid_string

USES = 8  # Python's own compiling costs as much as filling in so often
_LITERALS = (TrueLiteral, FalseLiteral, IntegerLiteral, FloatLiteral)
_OF_LOOPS = frozenset({"length", "index", "index0", "rindex", "rindex0", "first", "last"})
_SPECIAL = frozenset({"size", "first", "last"})
_NOT_OURS = frozenset({"partial", "now", "today"})  # names that python-liquid itself puts in
_BYTES = 4  # of a character, at most
Fill = Callable[[Mapping[str, Any]], str]


class Unsure(Exception):
    """Python-liquid must be asked."""


class Quick:
    """A template that is filled in by python-liquid at first and by a function when used often."""

    def __init__(self, template: BoundTemplate) -> None:
        self._template = template
        self._function: Fill | None = None
        self._uses = 0

    def fill(self, values: Mapping[str, Any]) -> str:
        """The text for one person. Raises what python-liquid raises."""
        self._uses += 1
        if self._uses == USES:
            self._function = function_of(self._template)
        if self._function is not None:
            try:
                return self._function(values)
            except Exception:  # whatever it is, python-liquid says it in its own words
                pass
        return str(self._template.render(**values))


def function_of(template: BoundTemplate) -> Fill | None:
    """A function from values to text, or None for a template with something not known here.

    It raises where it may differ from python-liquid; what it returns is what python-liquid returns.
    """
    try:
        return _Writer(template).function()
    except (Unsure, UnicodeError, SyntaxError, RecursionError):  # Python nests less deeply
        return None


def _escape(text: str) -> str:
    """What markupsafe.escape says, without making Markup of it: three times as fast."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("'", "&#39;").replace('"', "&#34;")


class _Writer:
    """Writes the function's source: statements line by line, expressions as names of results."""

    def __init__(self, template: BoundTemplate) -> None:
        self.env, self.nodes = template.env, template.nodes
        self.lines: list[str] = []
        self.depth = 1
        self.counted = 0
        self.given: dict[str, str] = {}  # names of the values, and the variables they stand in
        self.scopes: list[dict[str, str]] = []  # those of the for loops that we are in
        self.times: list[str] = []  # how often the loops run that we are in, multiplied
        self.pending: list[str] = []
        self.out = "out"  # the list that is written to; "" where nothing is
        shared = RenderContext(template)
        self.known: dict[str, Any] = {
            "Unsure": Unsure,
            "Undefined": Undefined,
            "ForLoop": ForLoop,
            "Markup": Markup,
            "getsizeof": getsizeof,
            "escape": _escape,
            "text": partial(to_liquid_string, autoescape=self.env.autoescape),
            "item": shared.get_item,
            "shared": shared,
            "parent": shared.parentloop(),
            "is_true": is_truthy,
            "eq": _eq,
            "le": _le,
            "lt": _lt,
            "contains": _contains,
            "MISSING": object(),
            "ABSENT": (KeyError, TypeError, IndexError),
            "PLAIN": frozenset({str, int, bool, float, list, dict, Markup}),
        }

    def function(self) -> Fill:
        """The source, compiled."""
        limit = self.env.output_stream_limit
        for node in self.nodes:
            self.node(node)
        self.flush()
        self.line('result = "".join(out)')
        self.line(
            f"if len(result) > {self.most()} and len(result.encode()) > {limit}: raise Unsure"
        )
        self.line("return result")
        head = ["def fill(values):", "    out, mark_out, size_out, sizes = [], 0, 0, {}"]
        head += [
            f"    {variable} = values.get({name!r}, MISSING)"
            for name, variable in self.given.items()
        ]
        exec(compile("\n".join(head + self.lines), "<liquid>", "exec"), self.known)
        made: Fill = self.known["fill"]
        return made

    # --- the text that is written

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    @contextmanager
    def inside(self, head: str) -> Iterator[None]:
        """What is written within stands in a block of Python's."""
        self.flush()
        self.line(head)
        self.depth += 1
        before = len(self.lines)
        yield
        self.flush()
        if len(self.lines) == before:
            self.line("pass")
        self.depth -= 1

    def new(self, start: str = "v") -> str:
        self.counted += 1
        return f"{start}{self.counted}"

    def constant(self, value: object) -> str:
        name = self.new("K")
        self.known[name] = value
        return name

    def put(self, value: str) -> str:
        """A new variable with what the expression gives."""
        name = self.new()
        self.line(f"{name} = {value}")
        return name

    def flush(self) -> None:
        if self.pending and self.out:
            self.line(f"{self.out} += ({', '.join(self.pending)},)")
        self.pending = []

    def measure(self) -> None:
        """Stops before much is written: python-liquid stops at the right place."""
        self.flush()
        out = self.out
        self.line(f"size_{out} += sum(map(len, {out}[mark_{out}:])); mark_{out} = len({out})")
        self.line(f"if size_{out} > {self.most()}: raise Unsure")

    def most(self) -> int:
        limit = self.env.output_stream_limit
        if limit is None or not self.env.loop_iteration_limit or not self.env.local_namespace_limit:
            raise Unsure
        return limit // _BYTES

    # --- expressions: each returns the name of its result, or a constant

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

    # --- tags

    def node(self, node: Node) -> None:
        write = _NODES.get(type(node))
        if write is None:
            raise Unsure
        write(self, node)

    def block(self, block: BlockNode) -> None:
        """Only what is blank is not written, but what it assigns is assigned."""
        self.flush()
        out = self.out
        if block.blank and self.env.suppress_blank_control_flow_blocks:
            self.out = ""
        for node in block.nodes:
            self.node(node)
        self.flush()
        self.out = out

    def content(self, node: Any) -> None:
        if node.text:
            node.text.encode()
            self.pending.append(self.constant(node.text))

    def output(self, node: Any) -> None:
        found = self.value(node.expression)
        if not found.isidentifier():
            found = self.put(found)
        plain = f"escape({found})" if self.env.autoescape else found
        # Where it is a string, this is what `text` would do.
        text = self.put(f"{plain} if {found}.__class__ is str else text({found})")
        self.line(f"if not {text}.isascii(): {text}.encode()")  # half a character is an error
        self.pending.append(text)

    def nothing(self, node: Any) -> None:
        pass

    def choose(self, node: Any) -> None:
        self.flush()
        turned = "not " if isinstance(node, UnlessNode) else ""
        arms = [(node.condition, node.consequence, turned)]
        arms += [(other.expression, other.block, "") for other in node.alternatives]
        self.arms(arms, node.default)

    def arms(self, arms: list[tuple[Any, BlockNode, str]], default: BlockNode | None) -> None:
        if not arms:
            if default:
                self.block(default)
            return
        (expression, block, turned), *rest = arms
        with self.inside(f"if {turned}{self.condition(expression)}:"):
            self.block(block)
        if rest or default:
            with self.inside("else:"):
                self.arms(rest, default)

    def case(self, node: Any) -> None:
        self.flush()
        none = self.put("True")
        for block in node.blocks:
            if not isinstance(block, MultiExpressionBlockNode):
                with self.inside(f"if {none}:"):
                    self.block(block)
                continue
            left = self.value(block.expression.left)
            found = [
                self.equal(left, self.value(each), each) for each in block.expression.expressions
            ]
            many = self.put(" + ".join(found))
            with self.inside(f"if {many}:"):
                self.line(f"if {many} > 1: raise Unsure")  # python-liquid writes it twice
                self.line(f"{none} = False")
                self.block(block.block)

    def assign(self, node: Any) -> None:
        self.flush()
        self.keep(str(node.name), self.value(node.expression))

    def keep(self, name: str, value: str) -> None:
        """Shadowed by a loop's name it is kept all the same, as python-liquid does."""
        variable = self.given.setdefault(name, f"g{len(self.given)}")
        self.line(f"{variable} = {value}; sizes[{name!r}] = getsizeof({variable}, 1)")
        limit = self.env.local_namespace_limit
        self.line(f"if sum(sizes.values()) > {limit}: raise Unsure")

    def capture(self, node: Any) -> None:
        self.flush()
        before, self.out = self.out, self.new("out")
        inner = self.out
        self.line(f"{inner}, mark_{inner}, size_{inner} = [], 0, 0")
        self.block(node.block)
        self.out = before
        found = self.put(f'"".join({inner})')
        if before:
            self.measure()
        others = f"size_{before} + " if before else ""
        self.line(f"if {others}len({found}) > {self.most()}: raise Unsure")
        self.keep(str(node.name), f"Markup({found})" if self.env.autoescape else found)

    def repeat(self, node: Any) -> None:
        self.flush()
        loop = node.expression
        name = str(loop.identifier)
        if name == "forloop" or isinstance(loop.offset, StringLiteral) or len(self.scopes) > 9:
            raise Unsure
        each, length = self.rows(loop)
        with self.inside(f"if {length}:"):
            self.once_more(node, name, each, length)
        if node.default:
            with self.inside("else:"):
                self.block(node.default)

    def rows(self, loop: Any) -> tuple[str, str]:
        """Variables for what is gone through, and how much it is."""
        each, length = self.new(), self.new()
        to_rows = self.constant(loop._to_iter)
        self.line(f"{each}, {length} = {to_rows}({self.value(loop.iterable)}, shared)")
        if loop.limit or loop.offset or loop.reversed:
            to_int = self.constant(loop._to_int)
            part = {
                key: f"{to_int}({self.value(given)}, token=None)" if given else "None"
                for key, given in (("limit", loop.limit), ("offset", loop.offset))
            }
            cut = self.constant(loop._slice)
            how = f"limit={part['limit']}, offset={part['offset']}"
            self.line(f"{each}, {length} = {cut}({each}, {length}, shared, {how})")
        return each, length

    def once_more(self, node: Any, name: str, each: str, length: str) -> None:
        """A for loop that has something to go through."""
        times = self.put(f"{self.times[-1]} * {length}" if self.times else length)
        self.line(f"if {times} > {self.env.loop_iteration_limit}: raise Unsure")
        state, row = self.new("f"), self.new("x")
        above = self.scopes[-1]["forloop"] if self.scopes else "parent"
        label = f"{name}-{node.expression.iterable}"
        self.line(f"{state} = ForLoop({label!r}, iter(()), {length}, {above})")
        self.scopes.append({"forloop": state, name: row})
        self.times.append(times)
        with self.inside(f"for {row} in {each}:"):
            self.line(f"{state}._index += 1")
            if self.out:
                self.measure()
            self.block(node.block)
        self.times.pop()
        self.scopes.pop()

    def leave(self, node: Any) -> None:
        if not self.scopes:
            raise Unsure
        self.flush()
        self.line("break" if isinstance(node, BreakNode) else "continue")


def _check_loop(rest: list[Any]) -> None:
    """Python-liquid's loop goes on when somebody only looks through it: ours does not."""
    *above, last = rest or [""]
    if last not in _OF_LOOPS or any(step != "parentloop" for step in above):
        raise Unsure


_COMPARED: dict[type, str] = {
    EqExpression: "",
    NeExpression: "",
    LtExpression: "lt({token}, {left}, {right})",
    GtExpression: "lt({token}, {right}, {left})",
    LeExpression: "le({left}, {right})",
    GeExpression: "le({right}, {left})",
    ContainsExpression: "contains({token}, {left}, {right})",
}
_NODES: dict[type, Callable[[_Writer, Any], None]] = {
    ContentNode: _Writer.content,
    OutputNode: _Writer.output,
    EchoNode: _Writer.output,
    CommentNode: _Writer.nothing,
    DocNode: _Writer.nothing,
    InlineCommentNode: _Writer.nothing,
    LiquidNode: lambda writer, node: writer.block(node.block),
    IfNode: _Writer.choose,
    UnlessNode: _Writer.choose,
    CaseNode: _Writer.case,
    AssignNode: _Writer.assign,
    CaptureNode: _Writer.capture,
    ForNode: _Writer.repeat,
    BreakNode: _Writer.leave,
    ContinueNode: _Writer.leave,
}
