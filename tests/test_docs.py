"""What the documentation says of itself: links lead somewhere, examples are run, headline numbers are the table's."""

import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)")
README_WORDS_MAX = 1_200
EXAMPLE = re.compile(r"^(?:<!-- ([^\n]+) -->\n)?```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""A block of code, and the line before it that says which test runs it, or why none does."""


@cache
def pages() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", "*.md"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(file for name in listed.split("\0") if name and (file := ROOT / name).is_file())


def prose(file: Path) -> str:
    """A page without its code, in which brackets are no links."""
    text = re.sub(r"^```.*?^```", "", file.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", lambda code: code.group().replace("[", " ").replace("(", " "), text)


@cache
def anchors(file: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    text = re.sub(r"^```.*?^```", "", file.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.add(slug if slug not in found else f"{slug}-1")
    return frozenset(found)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z][a-z+.-]*:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        exists = target.exists() and target.is_relative_to(ROOT)
        if not exists or (anchor and (target.suffix != ".md" or anchor not in anchors(target))):
            broken.append(link)

    assert not broken


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `head`, and more\n\n[one](none.md) `[no](link)` ![two](a.png)\n```\n[no](link)\n```\n")

    assert LINK.findall(prose(page)) == ["none.md", "a.png"]
    assert anchors(page) == {"a-head-and-more"}


def test_every_page_is_reached_from_the_index() -> None:
    docs = ROOT / "docs"
    reached, waiting = set(), [docs / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [
            (page.parent / link.partition("#")[0]).resolve() for link in LINK.findall(prose(page)) if "://" not in link
        ]

    assert {page for page in pages() if page.is_relative_to(docs)} <= reached


def test_the_headline_numbers_are_those_of_the_whole_table() -> None:
    """Each figure of README's table stands in docs/numbers.md, so that neither is forgotten when they change."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Numbers")[2].partition("\n## ")[0]
    rows = [line.split("|")[2].strip() for line in section.splitlines() if line.startswith("| ")][1:]
    numbers = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    figures = [figure for row in rows for figure in re.findall(r"\d[\d.,]*", row)]

    assert len(rows) == 5
    assert [figure for figure in figures if not re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d,])", numbers)] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= README_WORDS_MAX


def test_the_paths_architecture_names_are_there() -> None:
    named = re.findall(
        r"`((?:apps|cift|docs|matching_rs|tests|tools)/[\w./-]*)`",
        (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"),
    )

    assert len(named) > 50
    assert [path for path in named if not (ROOT / path).exists()] == []


def unmarked(page: Path) -> list[str]:
    """The examples of a page that no test runs, and that do not say why."""
    found = []
    for marker, text in EXAMPLE.findall(page.read_text(encoding="utf-8")):
        run_by = re.fullmatch(r"run by (tests/[\w/]+\.py)::(\w+)", marker)
        if run_by is not None:
            # The test reads the example where it stands: its file names the page.
            source = (ROOT / run_by.group(1)).read_text(encoding="utf-8")
            if f"def {run_by.group(2)}(" in source and page.name in source:
                continue
        elif re.fullmatch(r"not run: .{10,}", marker):
            continue
        found.append(text)
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_example_is_run_by_a_test_or_says_why_it_is_not(page: Path) -> None:
    fences = re.findall(r"^ *(?:```|~~~)", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert len(fences) == 2 * len(EXAMPLE.findall(page.read_text(encoding="utf-8"))), "a block of another shape"
    assert unmarked(page) == []


def test_an_example_nobody_runs_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    markers = ("", "<!-- not run: -->\n", "<!-- run by tests/test_docs.py::test_of_nothing -->\n", "<!-- other -->\n\n")
    page.write_text("".join(f"text\n\n{marker}```bash\nmake {number}\n```\n" for number, marker in enumerate(markers)))

    assert unmarked(page) == [f"make {number}\n" for number in range(4)]


def commands() -> list[list[str]]:
    """The words of each line of the examples that begins with a program, whoever runs it."""
    lines = [
        line
        for page in pages()
        for _, text in EXAMPLE.findall(page.read_text(encoding="utf-8"))
        for line in text.splitlines()
    ]
    started = [line for line in lines if re.match(r"(?:[A-Z_]+=\S+ )*(?:make|\S*python) ", line)]
    return [shlex.split(line, comments=True) for line in started]


def test_the_targets_and_the_settings_of_the_examples_are_there() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    settings = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    made = [words for words in commands() if "make" in words]

    assert len(made) >= 5
    assert {words[words.index("make") + 1] for words in made} <= targets
    named = {word.partition("=")[0] for words in made for word in words[: words.index("make")]}
    assert {"HOST", "SIMULATION"} <= named
    assert [name for name in named if f"`{name}`" not in settings] == []


def test_the_commands_of_the_examples_take_their_options() -> None:
    given = [words[words.index("manage.py") + 1 :] for words in commands() if "manage.py" in words]

    assert "replay" in {name for name, *_ in given}
    for name, *options in given:
        load_command_class(get_commands()[name], name).create_parser("manage.py", name).parse_args(options)
