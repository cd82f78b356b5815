"""Hooks of `make docs`: the root's pages belong to the site, and links to source code become their text.

In the repository every relative link leads to a file, which tests/test_docs.py checks. The site has only the pages
below docs/ and those of `ROOT_PAGES`.
"""

import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
ROOT_PAGES = ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")

_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LOADED = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)=["']?(?:https?:)?//[^"' >]*""")
_LINK = re.compile(r"(!?)\[((?:[^\]\[]|\[[^\]]*\])*)\]\(([^)\s#]+)(#[^)\s]+)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the repository's root."""
    for name in ROOT_PAGES:
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    return files


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Refuse a page that makes a reader's browser ask anybody else.

    Raises:
        PluginError: naming what it would load.

    """
    del config
    if found := _LOADED.search(output):
        raise PluginError(f"{page.file.src_uri} loads from elsewhere: {found.group()}")
    return output


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links as they are in the repository into the site's."""
    del config
    source = page.file.src_uri
    folder = ROOT if source in ROOT_PAGES else (ROOT / "docs" / source).parent

    def link(found: re.Match[str]) -> str:
        image, text, path, anchor = found.group(1), found.group(2), found.group(3), found.group(4) or ""
        if "://" in path:
            return found.group()
        target = Path(os.path.normpath(folder / path)).relative_to(ROOT).as_posix()
        on_site = target.removeprefix("docs/") if target.startswith("docs/") else target
        is_page = target.startswith("docs/") or target in ROOT_PAGES
        if not is_page or files.get_file_from_path(on_site) is None:
            return text
        return f"{image}[{text}]({os.path.relpath(on_site, Path(source).parent)}{anchor})"

    pieces, end = [], 0
    for code in _CODE.finditer(markdown):
        pieces += [_LINK.sub(link, markdown[end : code.start()]), code.group()]
        end = code.end()
    return "".join((*pieces, _LINK.sub(link, markdown[end:])))
