"""Which codes of errors a function may raise, read from the source: its own, and those of whatever it names.

A name counts as called, and an instance of a module stands for its class. What is reached in other ways (a method of
what a call returns, a dotted path in the settings) is not seen, and neither is what is caught on the way.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def _trees() -> dict[str, ast.Module]:
    files = sorted([*ROOT.glob("apps/**/*.py"), *ROOT.glob("cift/**/*.py")])
    return {
        file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): ast.parse(
            file.read_text()
        )
        for file in files
    }


@cache
def _functions() -> dict[str, Function]:
    """Return all functions and methods by their dotted names."""
    found: dict[str, Function] = {}
    for module, tree in _trees().items():
        for node in tree.body:
            holder = f"{module}.{node.name}" if isinstance(node, ast.ClassDef) else module
            inner = node.body if isinstance(node, ast.ClassDef) else [node]
            found.update((f"{holder}.{each.name}", each) for each in inner if isinstance(each, Function))
    return found


@cache
def _names(module: str) -> dict[str, str]:
    """Return what a module's own names stand for, dotted."""
    names: dict[str, str] = {}
    for node in ast.walk(_trees()[module]):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.update((each.asname or each.name, f"{node.module}.{each.name}") for each in node.names)
    for top in _trees()[module].body:
        if isinstance(top, Function | ast.ClassDef):
            names[top.name] = f"{module}.{top.name}"
        elif isinstance(top, ast.Assign) and isinstance(top.value, ast.Call) and isinstance(top.value.func, ast.Name):
            made = top.value.func.id
            names.update((each.id, names[made]) for each in top.targets if isinstance(each, ast.Name) and made in names)
    return names


def _resolved(name: str) -> str:
    """Follow a name to where it stands: an instance to its class, an imported name to its own module."""
    module, _, last = name.rpartition(".")
    behind = _names(module).get(last, name) if module in _trees() else name
    return name if behind == name else _resolved(behind)


def _named(function: str) -> Iterator[str]:
    """Return what a function names."""
    module = max((each for each in _trees() if function.startswith(f"{each}.")), key=len)
    holder = function.rpartition(".")[0]
    names = _names(module)
    for part in ast.walk(_functions()[function]):
        if isinstance(part, ast.Name) and part.id in names:
            yield _resolved(names[part.id])
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            if part.value.id == "self":
                yield f"{holder}.{part.attr}"
            elif part.value.id in names:
                yield _resolved(f"{_resolved(names[part.value.id])}.{part.attr}")


def codes_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Return the codes errors are made with in a piece of source, and their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ApplicationError" and node.args:
            for part in ast.walk(node.args[0]):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value, node.lineno


def codes_raised(function: str) -> set[str]:
    """Return the codes a function may raise, named by its dotted name."""
    codes: set[str] = set()
    seen: set[str] = set()
    waiting = [function]
    assert function in _functions(), function
    while waiting:
        name = waiting.pop()
        if name in seen or name not in _functions():
            continue
        seen.add(name)
        codes.update(code for code, _ in codes_in(_functions()[name]))
        waiting += [each for named in _named(name) for each in (named, f"{named}.__init__")]
    return codes
