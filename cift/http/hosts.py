"""Whether a request is meant for this venue: the `Host` it names is one of ALLOWED_HOSTS."""

from django.conf import settings
from django.http.request import split_domain_port, validate_host


def host_is_ours(host: bytes) -> bool:
    """Judge a `Host` header as Django does for its own requests; none at all is not ours."""
    domain, _ = split_domain_port(host.decode("latin-1"))
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
