"""`make screenshot`: the back office's overview of a living market, as README shows it.

A venue of its own is started in a throwaway folder, with its simulated market; after two minutes the chart is full.
"""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.browser import browser_open, browser_paths
from tests.support.venue import venue_open

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "images" / "overview.png"
OVERVIEW = "/admin/orders/venuestate/overview/"
WIDTH, HEIGHT = 1_440, 940
CHART_S = 125.0
BYTES_MAX = 300 * 1024


def main() -> None:
    """Take the picture.

    Raises:
        SystemExit: there is no browser, or the picture is too large for a README.

    """
    parser = ArgumentParser(description="write a screenshot of the back office's overview")
    parser.add_argument("--output", type=Path, default=PICTURE)
    parser.add_argument("--light", action="store_true", help="in light colours")
    parser.add_argument("--seconds", type=float, default=CHART_S, help="how long the market runs before")
    asked = parser.parse_args()
    paths = browser_paths()
    if paths is None:
        sys.exit("no chromium and chromedriver in the path (Debian: apt-get install chromium chromium-driver)")
    with TemporaryDirectory(prefix="cift-") as folder:
        picture = _picture(Path(folder), paths, seconds=asked.seconds, dark=not asked.light)
    if len(picture) > BYTES_MAX:
        sys.exit(f"the picture has {len(picture)} bytes, more than {BYTES_MAX}")
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_bytes(picture)


def _picture(folder: Path, paths: tuple[str, str], *, seconds: float, dark: bool) -> bytes:
    with (
        venue_open(folder / "venue", SIMULATION="1", SIMULATION_SEED="1") as venue,
        browser_open(paths, profile=folder / "profile") as browser,
    ):
        browser.base = f"http://127.0.0.1:{venue.port}"
        browser.show(width=WIDTH, height=HEIGHT, dark=dark)
        operator, password = next(iter(venue.logins().items()))
        browser.log_in(f"/admin/login/?next={OVERVIEW}", operator, password)
        browser.wait(lambda: len(browser.all("#overview-books tr")) > 1, "the books")
        time.sleep(seconds)
        return browser.picture()


if __name__ == "__main__":
    main()
