"""A real browser, without a screen. A test that needs one where there is none is shouted about."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

VARIABLE = "CIFT_BROWSER"
WAIT_S_MAX = 30.0

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)

_missing = pytest.StashKey[list[str]]()


class Browser:
    """What a person does in a browser, on the pages of one venue."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver
        self.base = ""

    def open(self, path: str) -> None:
        self._driver.get(f"{self.base}{path}")

    @property
    def address(self) -> str:
        return self._driver.current_url.removeprefix(self.base)

    @property
    def text(self) -> str:
        return self.one("body").text

    def one(self, selector: str) -> WebElement:
        """Return the one element that fits, waiting for it."""
        found: WebElement = self.wait(lambda: self._driver.find_elements(By.CSS_SELECTOR, selector), selector)[0]
        return found

    def all(self, selector: str) -> list[WebElement]:
        return self._driver.find_elements(By.CSS_SELECTOR, selector)

    def wait(self, look: Any, what: str) -> Any:
        """Look until there is something; what a script puts in another's place meanwhile is looked for again."""
        waiting = WebDriverWait(self._driver, WAIT_S_MAX, 0.05, [StaleElementReferenceException])
        return waiting.until(lambda _: look(), what)

    def execute(self, script: str, *arguments: Any) -> None:
        self._driver.execute_script(script, *arguments)

    def forget(self, cookie: str) -> None:
        self._driver.delete_cookie(cookie)

    def log_in(self, path: str, email: str, password: str) -> None:
        """Fill in a page's form of a login, and wait for what it leads to."""
        self.open(path)
        self.one("[name=username]").send_keys(email)
        self.one("[name=password]").send_keys(password)
        before = self.address
        self.one("form [type=submit]").click()
        self.wait(lambda: self.address != before, "a way on from the login")

    def show(self, *, width: int, height: int, dark: bool) -> None:
        """Set the size of the page in CSS pixels, and whether it is asked for its dark colours."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def picture(self) -> bytes:
        """Return what is shown as a PNG."""
        return self._driver.get_screenshot_as_png()

    def faults(self) -> list[str]:
        """Return what the pages' scripts and policies complained of since the last time; refusals are no faults."""
        logged = self._driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in logged if entry["level"] == "SEVERE" and entry["source"] != "network"]


def browser_paths() -> tuple[str, str] | None:
    """Return where the browser and its driver are, None if one is missing."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    return (chromium, driver) if chromium and driver else None


@contextmanager
def browser_open(paths: tuple[str, str], *, profile: Path) -> Iterator[Browser]:
    """Run a browser with a profile of its own."""
    options = ChromeOptions()
    options.binary_location = paths[0]
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    # With the driver named, selenium looks for none and loads none.
    driver = Chrome(options=options, service=Service(executable_path=paths[1]))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


@pytest.fixture
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser | None]:
    """A browser of the test's own; where it was promised and is missing the test fails, else that stands out."""
    paths = browser_paths()
    if paths is None:
        reason = "no chromium and chromedriver in the path"
        if os.environ.get(VARIABLE):
            pytest.fail(f"{VARIABLE} is set, but there is {reason}")
        request.config.stash.setdefault(_missing, []).append(f"{request.node.nodeid}: {reason}")
        yield None
        return
    with browser_open(paths, profile=tmp_path / "profile") as opened:
        yield opened


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(_missing, [])
    if lines:
        terminalreporter.section("NOT TESTED IN A BROWSER", sep="!", red=True, bold=True)
        for line in lines:
            terminalreporter.write_line(line, red=True)
        terminalreporter.write_line("install chromium and its driver (Debian: chromium, chromium-driver)", red=True)
