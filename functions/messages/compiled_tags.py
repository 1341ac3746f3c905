"""Liquid's tags as Python: what is written, chosen, kept and repeated."""

from collections.abc import Callable, Mapping
from typing import Any

from liquid.ast import BlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions.primitive import StringLiteral
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.comment_tag import CommentNode
from liquid.builtin.tags.doc_tag import DocNode
from liquid.builtin.tags.echo_tag import EchoNode
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode, ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.inline_comment_tag import InlineCommentNode
from liquid.builtin.tags.liquid_tag import LiquidNode
from liquid.builtin.tags.unless_tag import UnlessNode

from functions.messages.compiled_expressions import Expressions
from functions.messages.compiled_source import Unsure

Fill = Callable[[Mapping[str, Any]], str]


class Writer(Expressions):
    """Writes the function's source: statements line by line, expressions as names of results."""

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


_NODES: dict[type, Callable[[Writer, Any], None]] = {
    ContentNode: Writer.content,
    OutputNode: Writer.output,
    EchoNode: Writer.output,
    CommentNode: Writer.nothing,
    DocNode: Writer.nothing,
    InlineCommentNode: Writer.nothing,
    LiquidNode: lambda writer, node: writer.block(node.block),
    IfNode: Writer.choose,
    UnlessNode: Writer.choose,
    CaseNode: Writer.case,
    AssignNode: Writer.assign,
    CaptureNode: Writer.capture,
    ForNode: Writer.repeat,
    BreakNode: Writer.leave,
    ContinueNode: Writer.leave,
}
