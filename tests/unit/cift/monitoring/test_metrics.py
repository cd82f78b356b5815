import re
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpResponse
from django.test import AsyncClient, AsyncRequestFactory, RequestFactory
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

import apps.gateways.socket.hub
import apps.orders.publishing.publisher  # noqa: F401 - as does what is published
import cift.bus.groups
import cift.bus.reader
import cift.servers.acceptor  # noqa: F401 - as do the connections
from apps.orders.matching.measures import Tally
from apps.orders.models import Projection
from cift.http.measured import CallMeasured
from cift.monitoring.metrics import request_metrics_middleware
from tests.support.databases import table_missing
from tests.support.shard import journal_fill
from tests.support.watching import watched

pytestmark = pytest.mark.usefixtures("sqlite")

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "reference" / "metrics.md"
ROW = re.compile(r"^\| `(cift_\w+)` \| (\w+) \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)


async def scraped() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    response = await watched("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def test_every_metric_of_the_venue_is_documented_and_every_documented_one_exists() -> None:
    documented = {name: (kind, text) for name, kind, _labels, text in ROW.findall(DOCUMENT.read_text())}
    existing = {
        family.name + ("_total" if family.type == "counter" else ""): (family.type, family.documentation)
        for collector in list(REGISTRY._collector_to_names)
        for family in (collector.describe() if hasattr(collector, "describe") else collector.collect())
        if family.name.startswith("cift_")
    }

    assert documented == existing


async def test_the_labels_are_the_documented_ones() -> None:
    documented = {
        name: tuple(re.findall(r"`(\w+)`", labels)) for name, _kind, labels, _text in ROW.findall(DOCUMENT.read_text())
    }
    for name, labels in await scraped():
        family = re.sub(r"_(bucket|sum|count|created)$", "", name)
        if family in documented:
            assert {label for label, _ in labels} - {"le"} == set(documented[family])


async def test_a_scrape_shows_how_far_behind_the_followers_are() -> None:
    engine = await sync_to_async(journal_fill, thread_sensitive=False)(200)
    found = await scraped()

    assert found["cift_journal_sequence", (("shard", "0"),)] == engine.sequence
    for follower in ("projector", "verifier"):
        labels = (("follower", follower), ("shard", "0"))
        assert found["cift_follower_lag_events", labels] == engine.sequence
        assert found["cift_follower_lag_batches", labels] == engine.number
        assert found["cift_follower_lag_seconds", labels] > 0
    assert found["cift_tables_readable", ()] == 1


async def test_a_scrape_is_answered_while_the_databases_are_not() -> None:
    with ExitStack() as stack:
        await sync_to_async(stack.enter_context, thread_sensitive=False)(table_missing(Projection))
        found = await scraped()
        await sync_to_async(stack.close, thread_sensitive=False)()

    assert found["cift_tables_readable", ()] == 0
    assert ("cift_sockets_open", ()) in found


async def test_refusals_are_counted_by_code() -> None:
    key = ("cift_refusals_total", (("code", "not_found"),))
    before = (await scraped()).get(key, 0)
    assert (await AsyncClient().get("/api/v1/nothing/")).status_code == 404

    assert (await scraped())[key] == before + 1


async def test_a_stranger_cannot_add_labels_by_inventing_methods() -> None:
    async def answer(_request: object) -> object:
        return HttpResponse("")

    measured = request_metrics_middleware(answer)
    for invented in ("BREW", "WHISTLE"):
        await measured(AsyncRequestFactory().generic(invented, "/health"))
    methods = {value for _name, labels in await scraped() for label, value in labels if label == "method"}

    assert "<invalid method>" in methods
    assert not methods & {"BREW", "WHISTLE"}


def test_requests_are_counted_on_the_synchronous_path_too() -> None:
    name, labels = "django_http_responses_total_by_status_total", {"status": "418"}
    before = REGISTRY.get_sample_value(name, labels) or 0
    request_metrics_middleware(lambda _request: HttpResponse("", status=418))(RequestFactory().get("/"))

    assert REGISTRY.get_sample_value(name, labels) == before + 1


def test_an_answer_before_django_is_counted_and_timed() -> None:
    measured = CallMeasured("GET", "tests/")
    for status in (200, 404, 200):
        measured.answered(status, perf_counter())

    labels = {"method": "GET", "call": "tests/"}
    assert REGISTRY.get_sample_value("cift_program_requests_total", {**labels, "status": "200"}) == 2
    assert REGISTRY.get_sample_value("cift_program_requests_total", {**labels, "status": "404"}) == 1
    assert REGISTRY.get_sample_value("cift_program_request_seconds_count", labels) == 3


def test_a_tally_counts_each_observation_under_the_least_bound_it_does_not_pass() -> None:
    tally = Tally((1, 2, 5))
    for value in (0.5, 1, 1.5, 5, 7):
        tally.observe(value)

    assert tally.buckets() == [("1", 2), ("2", 3), ("5", 4), ("+Inf", 5)]
    assert tally.total == 15
