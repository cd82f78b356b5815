"""`/metrics` for Prometheus, and what is counted of every HTTP request."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from django_prometheus.middleware import PrometheusAfterMiddleware, PrometheusBeforeMiddleware
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from cift.errors.application import ApplicationError
from cift.errors.problems import problem_response
from cift.monitoring.access import may_see_inside
from cift.processes.shared_calls import SharedCall
from cift.processes.threads import database_call


@csrf_exempt  # nothing is done here, so another method is refused as that
@never_cache
@require_safe
async def metrics(request: HttpRequest) -> HttpResponse:
    """Answer who may see them with every number there is, in Prometheus' text format."""
    if not await may_see_inside(request):
        return problem_response(ApplicationError("unauthenticated", headers={"WWW-Authenticate": "Bearer"}), request)
    return HttpResponse(await _scrape(), content_type=CONTENT_TYPE_LATEST)


async def _text() -> bytes:
    # Some are read from the databases.
    return await database_call(generate_latest, REGISTRY)


_scrape = SharedCall(_text)


class _Requests(PrometheusAfterMiddleware):  # type: ignore[misc]
    """django-prometheus' counts by view, method and status, with labels no stranger can add to."""

    def label_metric(self, metric: Any, request: HttpRequest, response: Any = None, **labels: str) -> Any:
        """Return a metric with its labels; a method that is none is counted as one of those."""
        if "method" in labels:
            labels["method"] = self._method(request)
        return super().label_metric(metric, request, response, **labels)


@sync_and_async_middleware
def request_metrics_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Count each request and time it as django-prometheus does.

    Its own two middleware classes change threads four times a request on the asynchronous path, which costs
    milliseconds under load; their methods are quick and are called here where they are.
    """
    outer, inner = PrometheusBeforeMiddleware(get_response), _Requests(get_response)

    def before(request: HttpRequest) -> None:
        outer.process_request(request)
        # A Content-Length that is no number is refused elsewhere.
        with suppress(ValueError):
            inner.process_request(request)

    def after(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        inner.process_response(request, response)
        outer.process_response(request, response)
        return response

    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            before(request)
            answer: Awaitable[HttpResponseBase] = get_response(request)
            return after(request, await answer)

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        before(request)
        return after(request, get_response(request))

    return synchronous
