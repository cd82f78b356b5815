"""The habits of tests: they use public names, inject rather than patch, and stand where their subject stands."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.sources import ROOT, name_of, tracked, tree_of

PRIVATE_MAX = 19
PATCHES_MAX = 42
"""What there is today, or less: a number that falls is lowered here, one that rises is a seam that is missing."""

# Underscored, and documented by who gives them: Django, named tuples, the operating system's module.
DOCUMENTED = frozenset({"_meta", "_default_manager", "_replace", "_make", "_fields", "_asdict", "_exit"})

PATCHING = re.compile(r"^(setattr|delattr|(\w+\.)+(setattr|setitem|delattr|delitem)|(mock\.)?patch(\.\w+)*)$")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in DOCUMENTED


def own_names(tree: ast.Module) -> set[str]:
    """What a module itself defines: functions, classes, variables, and attributes of `self`."""
    names = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        ):
            names.add(node.attr)
    return names


def is_own(node: ast.expr) -> bool:
    """Distinguish `self`, `cls` and `super()` from all others."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super"
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def private_accesses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find each access to what another module, ours or not, keeps private, with its line.

    An attribute `x._y`, where x is none of `self`, `cls` and `super()` and the module does not define `_y` itself; an
    import of `_y`; a `_y` that is patched by its name in a string.
    """
    own = own_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            if not is_own(node.value) and node.attr not in own:
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, alias.name) for alias in node.names if is_private(alias.name))
        elif isinstance(node, ast.Call) and PATCHING.match(ast.unparse(node.func)):
            yield from (
                (node.lineno, name) for name in strings_of(node.args[:2]) if is_private(name.rpartition(".")[2])
            )


def strings_of(nodes: list[ast.expr]) -> Iterator[str]:
    yield from (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def patches(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find each call that exchanges an attribute or an item of something in use, with its line.

    `setattr` and the like of the language, of pytest's monkeypatch or of whatever such a context is named, and
    everything of `mock.patch`. The environment and the working folder (`setenv`, `chdir`) are no patches: a process is
    given those. Nor are Django's settings, by pytest-django's fixture.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and PATCHING.match(ast.unparse(node.func)):
            yield node.lineno, ast.unparse(node)


def test_private_names_are_left_to_their_module() -> None:
    found = [
        f"{name_of(file)}:{line} {what}"
        for file in tracked("apps/*.py", "cift/*.py", "tests/*.py")
        for line, what in private_accesses(tree_of(file))
    ]

    assert len(found) <= PRIVATE_MAX, "\n".join(found)


def test_tests_inject_and_hardly_patch() -> None:
    found = [
        f"{name_of(file)}:{line} {what}" for file in tracked("tests/*.py") for line, what in patches(tree_of(file))
    ]

    assert len(found) <= PATCHES_MAX, "\n".join(found)


def test_what_is_counted_is_what_is_meant() -> None:
    tree = ast.parse(
        """
from module import _hidden, _replace, open
class Own:
    def __init__(self): self._mine = 1
    def same(self, other): return self._x, super()._y, other._mine, other._theirs, other._meta
def test(monkeypatch, mock, settings):
    monkeypatch.setattr(module, "_inner", 1)
    monkeypatch.setenv("NAME", "")
    settings.NAME = 1
    with mock.patch.object(Own, "same"), mock.patch("a._b"):
        setattr(module, "name", 1)
"""
    )

    assert sorted(what for _, what in private_accesses(tree)) == ["_hidden", "_inner", "a._b", "other._theirs"]
    assert len(list(patches(tree))) == 4


def subjects(file: Path) -> Iterator[Path]:
    """Name what `tests/unit/<path>/test_<name>.py` may be about: `<name>`, or what comes before an underscore in it."""
    *path, _ = file.relative_to(ROOT / "tests" / "unit").parts
    words = file.stem.removeprefix("test_").split("_")
    places = (
        [ROOT / "tests" / Path(*path)]
        if path[0] in {"performance", "support"}
        else [ROOT / "apps" / Path(*path), ROOT / Path(*path)]
    )
    for place in places:
        for count in range(len(words), 0, -1):
            name = "_".join(words[:count])
            yield from (place / f"{name}.py", place / name)


def test_unit_tests_stand_where_their_subject_stands() -> None:
    lost = [
        name_of(file)
        for file in tracked("tests/unit/**/test_*.py")
        if not any(subject.exists() for subject in subjects(file))
    ]

    assert not lost
