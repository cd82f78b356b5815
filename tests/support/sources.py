"""The project's own source files, for tests that read them."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def tracked(*patterns: str) -> tuple[Path, ...]:
    """List the files of the repository that match, migrations excepted."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    files = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(file for file in files if file.is_file() and "/migrations/" not in str(file)))


def name_of(file: Path) -> str:
    """Return a file's path from the root on."""
    return file.relative_to(ROOT).as_posix()


@cache
def tree_of(file: Path) -> ast.Module:
    """Parse a module, once for all tests."""
    return ast.parse(file.read_text(), filename=name_of(file))


def module_of(file: Path) -> str:
    """Return the dotted name a module is imported by."""
    return name_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
