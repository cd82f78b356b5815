from pathlib import Path

from cift.errors.codes import CODES
from cift.errors.table import error_table
from cift.wire.reasons import Reason

PAGE = Path(__file__).resolve().parents[4] / "docs" / "reference" / "errors.md"


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text() == error_table(), "write it anew: manage.py error_table > docs/reference/errors.md"


def test_every_reason_is_a_code_of_its_own() -> None:
    assert {reason.code for reason in Reason} <= set(CODES)
    assert len({reason.code for reason in Reason}) == len(Reason)
