"""An operator of a running venue, in a browser's place."""

import html
import re
from collections.abc import Mapping

import httpx

from tests.support.venue import Venue


class Operator:
    """Somebody logged in to the back office."""

    def __init__(self, venue: Venue, email: str, password: str) -> None:
        self.base = f"http://127.0.0.1:{venue.port}"
        self.http = httpx.Client(base_url=self.base, timeout=30, headers={"Referer": self.base})
        self.http.get("/admin/login/")
        login = {"username": email, "password": password, "next": "/admin/"}
        assert self._post("/admin/login/", login).status_code == 302

    def get(self, path: str) -> httpx.Response:
        return self.http.get(f"/admin/{path}")

    def post(self, path: str, **fields: object) -> str:
        """Send a form; give the page it leads to, as text."""
        answer = self._post(f"/admin/{path}", fields)
        if answer.status_code == 302:
            answer = self.http.get(answer.headers["location"])
        assert answer.status_code == 200, (answer.status_code, path)
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.text)))

    def act(self, table: str, action: str, *rows: int) -> str:
        return self.post(f"{table}/", action=action, _selected_action=[str(row) for row in rows])

    def _post(self, path: str, fields: Mapping[str, object]) -> httpx.Response:
        token = self.http.cookies["csrftoken"]
        return self.http.post(path, data={**fields, "csrfmiddlewaretoken": token})
