"""The tutorial's commands, run as they are written."""

import json
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.support.venue import ROOT, venue_open

PAGE = ROOT / "docs" / "tutorial" / "first-fill.md"


def answers(text: str) -> list[dict[str, Any]]:
    """Read JSON objects that stand one after the other."""
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        answer, end = decoder.raw_decode(text)
        found.append(answer)
        text = text[end:]
    return found


def test_the_first_fill_with_curl(tmp_path: Path) -> None:
    assert shutil.which("curl"), "the tutorial needs curl (Debian: apt-get install curl)"
    (script,) = re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    with venue_open(tmp_path / "var") as venue:
        assert script.count("127.0.0.1:8000") == 1
        here = script.replace("127.0.0.1:8000", f"127.0.0.1:{venue.port}")
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", here],  # noqa: S607 - the reader's own shell
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        )
        last = here[here.rindex("curl -s $VENUE/orders/") :].partition("\ncurl -s $VENUE/fills/")[0]
        setting_up = here.partition("# The demo trader offers")[0].replace("curl -s $VENUE/auth/register/", "true ")
        again = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", setting_up + last],  # noqa: S607
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        )

    registered, offer, book, bought, fills, balances = answers(ended.stdout)
    assert registered["email"] == "you@example.com"
    assert book["asks"][0][:2] == ["190", "5"]
    assert (bought["status"], bought["filled_quantity"], bought["average_price"]) == ("filled", "5", "190")
    assert Decimal(bought["fee"]) == Decimal("0.19")
    (fill,) = fills["results"]
    assert (fill["price"], fill["quantity"], fill["order_id"]) == ("190", "5", bought["id"])
    assert offer["id"] != bought["id"]
    assert "AAPL" in {balance["asset"] for balance in balances["results"]}
    (repeated,) = answers(again.stdout)
    assert repeated["id"] == bought["id"], "the same line sent again is answered with the same order"
