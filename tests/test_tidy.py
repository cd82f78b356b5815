"""The style that no linter knows: dead modules, banned names, and the length of files and functions."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sources import module_of, name_of, tracked, tree_of

FILE_LINES_MAX = 450
FUNCTION_LINES_MAX = 60
MODULES_MAX = 18
"""As many modules stand side by side in a folder at most; past that it holds rooms that have no door."""

WIDE_FOLDERS = {
    "cift/settings": "a list by topic: no module of it imports another but to gather them",
    "apps/orders/matching": "one machine: writer, journal, projector and verifier share its errors, places and halt",
}

# Found by name, not by import: Django's and pytest's own conventions, and what settings name by dotted path.
FOUND_BY_NAME = re.compile(
    r"(^|\.)(apps|admin|models|urls|asgi|conftest|__main__|manage|checks)$"
    r"|\.migrations\.|^tests\.performance\.topics\.|\.management\.commands\.|^cift\.settings\.|(^|\.)test_[a-z0-9_]+$"
    r"|^docs\.tutorial\.examples\.|^tools\."
)

# Prices, quantities and money are integers: no float in a statement that names one, and none at all on the wire.
MONEY_NAMES = re.compile(
    r"price|quantity|amount|notional|\bfee|balance|\bheld\b|leaves|ledger|tick_size|lot_size|_ppm\b"
)
NO_FLOAT_AT_ALL = re.compile(r"^cift/(wire/|decimals\.py)|^apps/[a-z]+/(models|commands|events|codes)\.py")
NOT_MONEY = {
    "apps/marketdata/feeds/sample.py": "a generator draws prices from probabilities",
    # A simulated agent thinks in floats, and so does a statistic; what is sent is integers on the tick and the lot.
    **dict.fromkeys(
        (
            *(
                f"apps/simulation/agents/{name}.py"
                for name in ("agent", "makers", "population", "profiles", "public", "slicer", "takers")
            ),
            *(f"apps/simulation/facts/{name}.py" for name in ("facts", "holdings")),
        ),
        "a model of a market",
    ),
}


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[\w.]+", node.value):
            # A dotted path in settings, a pytest plugin, an `include("apps.orders.rest.urls")`.
            yield node.value
            yield node.value.rpartition(".")[0]


def test_no_module_is_dead() -> None:
    files = tracked("*.py")
    used = {name for file in files for name in imports_of(file)}
    dead = [
        name_of(file)
        for file in files
        if file.name != "__init__.py" and module_of(file) not in used and not FOUND_BY_NAME.search(module_of(file))
    ]

    assert not dead


def test_no_file_is_too_long() -> None:
    long = {
        name_of(file): lines
        for file in tracked("*.py", "*.rs")
        if (lines := len(file.read_text().splitlines())) > FILE_LINES_MAX
    }

    assert not long


def test_no_folder_has_too_many_modules() -> None:
    modules = Counter(name_of(file.parent) for file in tracked("apps/*.py", "cift/*.py") if file.name != "__init__.py")
    wide = {folder: count for folder, count in modules.items() if count > MODULES_MAX}

    assert wide.keys() == WIDE_FOLDERS.keys()


def test_no_function_is_too_long() -> None:
    long = {
        f"{name_of(file)}:{node.lineno} {node.name}": lines
        for file in tracked("*.py")
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    }

    assert not long


@pytest.mark.parametrize(
    ("banned", "why", "where"),
    [
        (r"\bdatetime\.(now|utcnow|today)\(", "the clock is read at the edge and passed in", ("apps", "cift")),
        (r"\btime\.time\(", "times are integers of ns", ("apps", "cift")),
        (r"(?<![\w.])print\(", "a log line or the command's own output", ("apps", "cift", "manage.py")),
        (r"\bTO" + r"DO\b|\bFIX" + r"ME\b|\bX" + r"XX\b|\bHA" + r"CK\b", "finished or not here", ("*.py", "*.rs")),
        (r"todo!\(|unimplemented!\(|NotImplementedError", "finished or not here", ("*.py", "*.rs")),
        (r"if\s+(settings\.)?EMBEDDED", "topologies differ by settings alone", ("apps", "cift")),
        (r"mark\.skip|pytest\.skip\(|mark\.xfail", "nothing is left out silently", ("tests",)),
    ],
)
def test_nothing_banned_is_used(banned: str, why: str, where: tuple[str, ...]) -> None:
    found = [
        f"{name_of(file)}:{number} {line.strip()}"
        for file in tracked(*where)
        if file.suffix in {".py", ".rs"} and file != Path(__file__)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if re.search(banned, line)
    ]

    assert not found, why


def test_only_one_module_reads_the_environment() -> None:
    readers = [
        name_of(file)
        for file in tracked("apps", "cift")
        if file.suffix == ".py" and re.search(r"\bos\.(environ|getenv)\b", file.read_text())
    ]

    assert readers == ["cift/env.py"]


def test_subjects_of_the_bus_are_spelt_in_one_place_only() -> None:
    spelling = re.compile(r"(orders\.(commands|query|status)|book|account|venue|journal|sessions)\.(\d*|\*|ended)")
    found = [
        f"{name_of(file)}:{node.lineno} {ast.unparse(node)}"
        for file in tracked("apps", "cift")
        if file.suffix == ".py" and name_of(file) != "cift/wire/subjects.py"
        for node in ast.walk(tree_of(file))
        # An f-string's first part ends where the number is put in.
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and spelling.fullmatch(node.value)
    ]

    assert not found


def floats_of(node: ast.AST) -> bool:
    return any(
        (isinstance(part, ast.Name) and part.id == "float")
        or (isinstance(part, ast.Constant) and isinstance(part.value, float))
        for part in ast.walk(node)
    )


def statements_of(file: Path) -> Iterator[tuple[int, ast.AST]]:
    """Simple statements, and the signatures of functions."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                yield node.lineno, argument
            if node.returns is not None:
                yield node.lineno, ast.Expr(ast.BinOp(ast.Name(node.name), ast.Add(), node.returns))
        elif isinstance(node, ast.stmt) and not hasattr(node, "body"):
            yield node.lineno, node


def test_no_float_is_near_money() -> None:
    found = [
        f"{name_of(file)}:{line} {ast.unparse(node)}"
        for file in tracked("apps", "cift")
        if file.suffix == ".py" and name_of(file) not in NOT_MONEY
        for line, node in statements_of(file)
        if floats_of(node) and (NO_FLOAT_AT_ALL.search(name_of(file)) or MONEY_NAMES.search(ast.unparse(node)))
    ]

    assert not found


def test_no_docstring_gives_or_tells() -> None:
    """A docstring begins with what is done in the field's words: "Return …", "Read …", "Send …"."""
    found = [
        f"{name_of(file)}:{number}"
        for file in tracked("*.py", "*.pyi")
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if re.search(r'^\s*"""(Gives?|Tells?)\b', line)
    ]

    assert not found
