"""Who may import whom, who may read the clock and the environment, and how modules are named."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("functions", "local", "infra")

# package -> what it may import of ours, beside itself. A dotted name is that module alone.
SHARED = {"problem", "settings", "light_settings"}
PURE = {
    *("doors", "tracking", "segments", "products", "sales", "codes"),
    *("journeys", "engine", "forecast"),
}
MAY_IMPORT: dict[str, set[str]] = {
    "problem": set(),
    "settings": set(),
    "light_settings": set(),
    "folder": {"codes", "journeys", "mails", "messages", "sales", "segments", "tracking"},
    "mails": {"journeys", "messages"},
    "doors": set(),
    "tracking": set(),
    "segments": {"tracking"},
    "products": {"tracking", "segments"},
    "sales": {"tracking", "segments", "journeys.run"},
    # Giving codes writes by the store's Protocol, which does no I/O itself.
    "codes": {"tracking", "segments", "storage.store"},
    # Reacting to events writes run records by the store's Protocol, which does no I/O itself.
    "journeys": {"segments", "tracking", "storage.store"},
    "messages": {"tracking", "segments"},
    "engine": {"tracking", "segments", "journeys"},
    "forecast": {"tracking", "segments", "journeys", "engine"},
    "channels": set(),
    # The library types a version's files, so it knows how a brand and limits are read.
    "storage": {
        *("doors", "tracking", "segments", "products", "sales", "codes", "journeys"),
        "forecast.record",
        *("messages.brand", "messages.breaker_rules", "messages.forms", "messages.limits"),
        *("messages.languages", "messages.patience_rules"),
    },
    "handlers": {
        "doors",
        "folder",
        "tracking",
        "segments",
        "products",
        "sales",
        "codes",
        "journeys",
        "messages",
        "engine",
        "forecast",
        "channels",
        "storage",
    },
    # The real handlers, on parts in memory.
    "virtual": {
        *("folder", "tracking", "segments", "journeys", "engine", "forecast"),
        *("channels", "storage", "handlers", "messages.brand"),
    },
}
# Modules that may do more than their package.
EXCEPTIONS: dict[str, set[str]] = {
    # The desk is handed a store and channels: it names their Protocols.
    "functions.messages.wish": {"channels.channel", "storage.store"},
    # It reads which links a message has.
    "functions.virtual.expecting": {"messages.template"},
    # It answers what a channel is handed.
    "functions.forecast.answers": {"channels.channel"},
    # A stage puts messages into words, and knows whether there is anything to fill in.
    "functions.virtual.stage": {"messages.wording"},
    "functions.virtual.asking": {"messages.template"},
    "functions.virtual.needed": {"messages.brand"},
    # These write with a condition by the store's Protocol, which does no I/O itself ...
    "functions.messages.claiming": {"storage.store"},
    "functions.messages.ledger": {"storage.store"},
    # ... and this as well, and it calls the channel that it is handed.
    "functions.messages.hand_over": {"channels.channel", "storage.store"},
    # It carries out on a stage what the others carry out in reality.
    "functions.handlers.forecast_journey": {"virtual"},
}
# Handlers share these and nothing else of one another; `aws` is the half of wiring that needs
# boto3, loaded by it at the first call.
FOR_ALL_HANDLERS = {
    *("wiring", "desk", "views", "openapi", "orders", "standing", "versions"),
    "looking",
    "referring",
    "spreading",
    "keeping",
    "sales_desk",
    "undoing",
    "erasing",
    "offers",
    "coding",
    "costing",
    "suppressing",
    "breaking",
    "proving",
    "requesting",
    "expiring",
    "again",
    "answers",
    "pages",
    "effects",
    "light_aws",
    "light_http",
    "light_keys",
    "light_log",
    "texting",
    "callers",
    "discreet",
    "headers",
    "open_doors",
    "pumping",
    "throttle",
}
HANDLERS_EXCEPTIONS = {("wiring", "aws"), ("publish_journey", "publisher")} | {
    ("aws", f"aws_{part}") for part in ("channels", "clients", "workflow")
}

# package -> what it may import of others, beside the standard library
OTHERS: dict[str, set[str]] = {
    "problem": set(),
    "settings": set(),
    "light_settings": set(),
    "folder": {"msgspec"},
    "doors": {"msgspec"},
    "mails": set(),
    "tracking": {"msgspec"},
    "segments": {"msgspec", "dateutil"},
    "products": {"msgspec"},
    "sales": {"msgspec"},
    "codes": {"msgspec"},
    "journeys": {"msgspec", "jsonschema", "yaml"},
    "messages": {"msgspec", "liquid", "mjml", "phonenumbers"},
    "engine": {"msgspec"},
    "forecast": {"msgspec"},
    "channels": {"boto3", "botocore", "urllib3"},
    "storage": {"msgspec", "pynamodb", "botocore"},
    "handlers": {"msgspec", "aws_lambda_powertools", "boto3", "botocore"},
    "virtual": {"msgspec"},
}
# I/O of the standard library that pure packages leave alone too.
INPUT_OUTPUT = {"http", "os", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "urllib3"}
EFFECTS = {"boto3", "botocore", "pynamodb", "aws_lambda_powertools", "requests", "uvicorn", "httpx"}


class Module(NamedTuple):
    name: str
    path: Path
    tree: ast.Module

    @property
    def package(self) -> str:
        """Below functions/ the folder or the single module; else the top folder."""
        parts = self.name.split(".")
        return parts[1] if parts[0] == "functions" and len(parts) > 1 else parts[0]


class Import(NamedTuple):
    """What an import statement names, as far as it is a module."""

    name: str
    line: int
    for_types: bool


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for folder in OURS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append(Module(name, path, ast.parse(path.read_text("utf-8"))))
    return tuple(found)


@cache
def nodes(module: Module) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(module.tree))


@cache
def names() -> frozenset[str]:
    return frozenset(module.name for module in modules())


@cache
def imports(module: Module) -> tuple[Import, ...]:
    """Every import, also inside functions and under TYPE_CHECKING."""
    return tuple(_imports(module))


def _imports(module: Module) -> Iterator[Import]:
    typing_only = {
        id(node)
        for block in nodes(module)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    for node in nodes(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, id(node) in typing_only)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module.path}:{node.lineno}: one import path everywhere"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                name = whole if whole in names() else str(node.module)
                yield Import(name, node.lineno, id(node) in typing_only)


def within(name: str, allowed: set[str]) -> bool:
    """Whether a module below functions/ is one of these packages or modules, or inside one."""
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


def test_the_table_of_the_design_names_every_package_that_there_is() -> None:
    packages = {module.package for module in modules() if module.name.startswith("functions.")}
    assert packages <= MAY_IMPORT.keys()
    assert packages <= OTHERS.keys()


def test_packages_import_only_what_the_table_allows() -> None:
    wrong = []
    for module in modules():
        if not module.name.startswith("functions."):
            continue
        allowed = (
            MAY_IMPORT[module.package]
            | EXCEPTIONS.get(module.name, set())
            | SHARED
            | {module.package}
        )
        for found in imports(module):
            top, _, below = found.name.partition(".")
            if top in OURS and (top != "functions" or (below and not within(below, allowed))):
                wrong.append(f"{module.path}:{found.line}: {module.name} imports {found.name}")
    assert not wrong, "\n".join(wrong)


def test_handlers_do_not_import_each_other() -> None:
    wrong = []
    for module in modules():
        if module.package != "handlers":
            continue
        own = module.name.rpartition(".")[2]
        for found in imports(module):
            other = found.name.removeprefix("functions.handlers.")
            shared = other.partition(".")[0] in FOR_ALL_HANDLERS
            if other == found.name or other == own or shared:
                continue
            if (own, other) not in HANDLERS_EXCEPTIONS:
                wrong.append(f"{module.path}:{found.line}: {own} imports {other}")
    assert not wrong, "\n".join(wrong)


def test_what_runs_in_lambda_knows_nothing_of_one_machine_and_local_nothing_of_infra() -> None:
    wrong = [
        f"{module.path}:{found.line}: {found.name}"
        for module in modules()
        for found in imports(module)
        if (module.name.startswith("functions") and found.name.split(".")[0] in ("local", "infra"))
        or (module.name.startswith("local") and found.name.split(".")[0] == "infra")
    ]
    assert not wrong, "\n".join(wrong)


def test_infra_knows_the_journey_compiler_and_handlers_only_by_name() -> None:
    wrong = [
        f"{module.path}:{found.line}: {found.name}"
        for module in modules()
        if module.package == "infra"
        for found in imports(module)
        if found.name.startswith(("functions.", "local"))
        and not within(found.name.removeprefix("functions."), SHARED | {"journeys", "folder"})
    ]
    assert not wrong, "\n".join(wrong)


def test_packages_use_only_the_libraries_chosen_for_them() -> None:
    wrong = []
    for module in modules():
        if not module.name.startswith("functions."):
            continue
        for found in imports(module):
            top = found.name.split(".")[0]
            if top in sys.stdlib_module_names or top in OURS or top in OTHERS[module.package]:
                continue
            wrong.append(f"{module.path}:{found.line}: {module.name} imports {top}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", [*sorted(PURE), "messages"])
def test_pure_code_does_no_input_or_output(package: str) -> None:
    wrong = [
        f"{module.path}:{found.line}: {found.name}"
        for module in modules()
        if module.package == package and module.name.startswith("functions.")
        for found in imports(module)
        if found.name.split(".")[0] in EFFECTS | INPUT_OUTPUT
    ]
    assert not wrong, "\n".join(wrong)


def test_types_alone_are_imported_only_where_a_real_import_would_be_a_cycle_or_a_weight() -> None:
    """An import for types counts in the table like any other. These are all that there are:
    steps and the flow that compiles them know each other, wiring must stay light because
    collecting imports it, and so must what a click waits for."""
    allowed = {
        "functions.journeys.step",
        *(m.name for m in modules() if m.name.startswith("functions.journeys.steps.")),
        "functions.handlers.wiring",
        "functions.handlers.light_aws",
        "functions.handlers.take_click",
        "functions.handlers.take_leave",
        "functions.storage.say",
    }
    found = {module.name for module in modules() for one in imports(module) if one.for_types}
    assert found <= allowed, found - allowed


def test_only_settings_reads_the_environment() -> None:
    wrong = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        if module.name not in ("functions.settings", "functions.light_settings")
        for node in nodes(module)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"))
        or (isinstance(node, ast.ImportFrom) and node.module == "os")
    ]
    assert not wrong, "\n".join(wrong)


CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"}


def clock_readings(module: Module) -> Iterator[ast.Call]:
    """Calls of datetime.now, date.today, time.time and their like."""
    for node in nodes(module):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        of = ast.unparse(node.func.value)
        if node.func.attr in CLOCKS and of in ("datetime", "date", "time", "datetime.datetime"):
            yield node


def test_time_is_an_argument_and_only_the_rim_reads_a_clock() -> None:
    rim = ("functions.handlers.", "local.")
    wrong = [
        f"{module.path}:{call.lineno}: {ast.unparse(call)}"
        for module in modules()
        for call in clock_readings(module)
        if not module.name.startswith(rim)
        and module.name not in ("functions.settings", "functions.light_settings")
    ]
    assert not wrong, "\n".join(wrong)
    in_settings = [
        node.name
        for module in modules()
        if module.name == "functions.settings"
        for node in nodes(module)
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(inner) == "datetime.now(UTC)" for inner in ast.walk(node))
    ]
    assert in_settings == ["now"]


def test_no_clock_is_read_behind_the_back_of_the_test_above() -> None:
    """A function imported from `time` or a renamed datetime would escape it."""
    rim = ("functions.handlers.", "local.")
    for module in modules():
        if module.name.startswith(rim):
            continue
        for node in nodes(module):
            if isinstance(node, ast.ImportFrom):
                assert node.module != "time", module.path
                renamed = node.module == "datetime" and any(alias.asname for alias in node.names)
                assert not renamed, module.path


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_every_module_opens_with_one_sentence(module: Module) -> None:
    said = ast.get_docstring(module.tree)
    assert said, f"{module.path} has no docstring"
    first = said.split("\n\n")[0]
    assert first.endswith("."), f"{module.path}: {first!r}"
    assert first.count(". ") + first.count(".\n") == 0, f"{module.path}: more than one sentence"


EMPTY_WORDS = {"util", "utils", "helper", "helpers", "manager", "service", "common", "misc", "base"}


def test_no_module_has_a_name_that_says_nothing() -> None:
    for module in modules():
        words = set(module.name.replace(".", "_").split("_"))
        assert not words & EMPTY_WORDS, module.name


def test_lambdas_are_files_named_verb_noun() -> None:
    found = {
        module.name.rpartition(".")[2]
        for module in modules()
        if module.package == "handlers"
        and any(
            isinstance(node, ast.FunctionDef) and node.name == "handler"
            for node in module.tree.body
        )
    }
    assert found
    assert all(len(name.split("_")) == 2 for name in found), found


def test_there_are_two_protocols_only() -> None:
    found = {
        node.name
        for module in modules()
        for node in nodes(module)
        if isinstance(node, ast.ClassDef)
        and any(
            "Protocol" in ast.unparse(base) or "ABC" in ast.unparse(base) for base in node.bases
        )
    }
    assert found == {"Channel", "Store"}


def test_every_handler_can_be_imported_without_an_environment() -> None:
    """Settings are read at the first call, never at import."""
    for module in modules():
        for node in module.tree.body:
            calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
                continue
            for call in calls:
                assert "from_environment" not in ast.unparse(call.func), module.path
                assert ast.unparse(call.func) != "boto3.client", module.path


def test_every_logger_is_the_discreet_one() -> None:
    """What an error says may hold an address; functions/handlers/discreet.py hides it."""
    found = {
        module.name
        for module in modules()
        for one in imports(module)
        if one.name.startswith("aws_lambda_powertools")
        and "from aws_lambda_powertools import Logger" in module.path.read_text("utf-8")
    }
    assert found == {"functions.handlers.discreet"}
