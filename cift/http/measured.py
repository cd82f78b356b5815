"""What is counted of requests that are answered before Django, whose own middleware counts the others."""

from time import perf_counter

from prometheus_client import Counter, Histogram

_BUCKETS_S = (
    0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2.5, 5, 10,
)  # fmt: skip

_REQUESTS = Counter(
    "cift_program_requests", "Programs' requests answered before Django, by status", ["method", "call", "status"]
)
_SECONDS = Histogram(
    "cift_program_request_seconds",
    "Time from a program's request to its answer",
    ["method", "call"],
    buckets=_BUCKETS_S,
)


class CallMeasured:
    """One call's numbers, named by its method and its address without the variable part.

    Looking labels up costs more than counting, so it is done once.
    """

    __slots__ = ("_call", "_method", "_seconds", "_statuses")

    def __init__(self, method: str, call: str) -> None:
        """Begin; the histogram is there from now on, with nothing in it."""
        self._method, self._call = method, call
        self._seconds = _SECONDS.labels(method, call)
        self._statuses: dict[int, Counter] = {}

    def answered(self, status: int, began: float) -> None:
        """Count an answer; `began`: s of `perf_counter` when its request came."""
        counter = self._statuses.get(status)
        if counter is None:
            counter = self._statuses[status] = _REQUESTS.labels(self._method, self._call, str(int(status)))
        counter.inc()
        self._seconds.observe(perf_counter() - began)
