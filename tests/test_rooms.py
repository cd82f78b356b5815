"""The engine's rooms: which module of the Rust core uses which, and that neither modules nor folders go in a circle.

Rust allows circles; and as an `impl Engine` block may stand in any file, calling its methods needs no `use`. So both
count here: the paths a file names, and the methods it calls that one other file alone adds to a type not its own.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parent.parent / "matching_rs" / "core" / "src"
ROOT = "lib"
NOT_CODE = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"|#\[doc[^\]]*\]')
USE = re.compile(r"\buse\s+([^;]+);")
PATH = re.compile(r"\b(?:crate|super)(?:::\w+)+")
IMPL = re.compile(r"^impl(?:<[^{]*?>)? (?:[\w:<>', ]+ for )?(\w+)[^{]*\{(.*?)^\}", re.MULTILINE | re.DOTALL)
TYPE = re.compile(r"\b(?:struct|enum|trait|type) (\w+)")
METHOD = re.compile(r"\bfn (\w+)")
CALL = re.compile(r"(?:\.|::)(\w+)\(")

Graph = dict[str, set[str]]


def sources(src: Path) -> dict[str, str]:
    """Return each module's code without comments and strings: `book::levels`, for a `mod.rs` the folder's name."""
    found = {}
    for file in sorted(src.rglob("*.rs")):
        parts = file.relative_to(src).with_suffix("").parts
        found["::".join(parts[:-1] if parts[-1] == "mod" else parts)] = NOT_CODE.sub("", file.read_text())
    return found


def leaves(tree: str) -> Iterator[str]:
    """Yield every path of a `use` tree: `a::{b, c::d}` is `a::b` and `a::c::d`."""
    head, brace, rest = tree.strip().partition("{")
    if not brace:
        yield head.split(" as ")[0].strip()
        return
    depth, start, inner = 0, 0, rest.rpartition("}")[0]
    for place, sign in enumerate(f"{inner},"):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            if part := inner[start:place].strip():
                yield from (head + leaf for leaf in leaves(part))
            start = place + 1


def named(module: str, code: str, *, is_folder: bool) -> Iterator[str]:
    """Yield the paths a module names, from the crate's root; what is no module's is left as it stands."""
    own, _, tests = code.partition("#[cfg(test)]")
    here = [] if module == ROOT else module.split("::")
    # In a file's own `mod tests`, `super` is the file.
    for text, above in ((own, here[:-1]), (tests, here)):
        paths = [leaf for tree in USE.findall(text) for leaf in leaves(tree)]
        for path in paths + PATH.findall(USE.sub("", text)):
            first, *rest = path.split("::")
            if first in {"crate", "super"}:
                yield "::".join((above if first == "super" else []) + rest)
            elif is_folder:
                yield "::".join([*here, first, *rest])


@cache
def uses(src: Path) -> Graph:
    """Return which modules each module uses, by path or by method."""
    code = sources(src)
    graph = methods(code)
    parents = {module.rpartition("::")[0] for module in code}
    for module, text in code.items():
        for path in named(module, text, is_folder=module in {ROOT, *parents}):
            steps = path.split("::")
            prefixes = ("::".join(steps[:length]) for length in range(len(steps), 0, -1))
            graph[module].add(next((prefix for prefix in prefixes if prefix in code), ROOT))
    return {module: found - {module} for module, found in graph.items()}


def methods(code: dict[str, str]) -> Graph:
    """Return which modules each module uses by a method's name alone, where only one module has a method so named."""
    graph: Graph = {module: set() for module in code}
    defined: Graph = defaultdict(set)
    added = set()
    for module, text in code.items():
        types = set(TYPE.findall(text))
        for of, body in IMPL.findall(text):
            for name in METHOD.findall(body):
                defined[name].add(module)
                if of not in types:
                    added.add(name)
    for module, text in code.items():
        for name in added.intersection(CALL.findall(text)):
            if len(defined[name]) == 1:
                graph[module] |= defined[name]
    return graph


def folders(graph: Graph) -> Graph:
    """Return the same for folders, and for files that lie in none."""
    found: Graph = defaultdict(set)
    for module, used in graph.items():
        found[module.partition("::")[0]] |= {other.partition("::")[0] for other in used}
    return {folder: used - {folder} for folder, used in found.items()}


def circle(graph: Graph) -> list[str]:
    """Return the modules of a circle, none if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_no_module_of_the_engine_uses_what_uses_it() -> None:
    assert circle(uses(CORE)) == []


def test_no_folder_of_the_engine_uses_what_uses_it() -> None:
    assert circle(folders(uses(CORE))) == []


def test_the_engine_s_modules_are_seen_to_use_each_other() -> None:
    graph = uses(CORE)

    assert {"engine", "orders::prefetch", "queries::answer", "codec"} <= graph["journal::runner"]
    assert "orders::matching" in graph["orders::submit"], "by its methods alone"
    assert graph["bits"] == set()


@pytest.mark.parametrize(
    ("files", "modules", "rooms"),
    [
        ({"a.rs": "use crate::b::B;", "b.rs": "pub struct B;"}, set(), set()),
        ({"a.rs": "use crate::b::B;", "b.rs": "use super::a::A;"}, {"a", "b"}, {"a", "b"}),
        (
            {"a.rs": "use crate::{c::C, b::{self, B}};", "b.rs": "fn f() { crate::a::g(); }", "c.rs": ""},
            {"a", "b"},
            {"a", "b"},
        ),
        # A folder's `mod.rs` that hands on what its files make, and a file that takes from it.
        ({"r/mod.rs": "mod x;\npub use x::X;", "r/x.rs": "use super::LIMIT;"}, {"r", "r::x"}, set()),
        (
            {"r/mod.rs": "mod x;\npub use x::X;", "r/x.rs": "struct X;\n#[cfg(test)]\nmod tests {\n use super::*;\n}"},
            set(),
            set(),
        ),
        # Two folders that use each other, no two files of theirs.
        (
            {"r/x.rs": "use crate::s::x::X;", "r/y.rs": "", "s/x.rs": "", "s/y.rs": "use crate::r::y::Y;"},
            set(),
            {"r", "s"},
        ),
        # By a method alone: `b` adds it to a type of `c`, and uses what `a` is.
        (
            {
                "a.rs": "fn f(c: C) { c.go(); }",
                "b.rs": "use crate::a::f;\nimpl C {\n fn go() {}\n}",
                "c.rs": "struct C;",
            },
            {"a", "b"},
            {"a", "b"},
        ),
        ({"a.rs": "// crate::b::B", "b.rs": 'use crate::a::A; const T: &str = "crate::a";'}, set(), set()),
        ({"lib.rs": "mod a;\npub use a::A;", "a.rs": "use crate::VERSION;"}, {"a", "lib"}, {"a", "lib"}),
    ],
)
def test_a_circle_is_found(tmp_path: Path, files: dict[str, str], modules: set[str], rooms: set[str]) -> None:
    for name, code in files.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(code)

    graph = uses(tmp_path)

    assert set(circle(graph)) == modules
    assert set(circle(folders(graph))) == rooms
