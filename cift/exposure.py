"""By what settings a venue in production would be open to strangers, and the refusal to start with any of them."""

from collections.abc import Iterator

from django.conf import settings

from cift.env import SetupError

SECRET_LENGTH_MIN = 32
SECRET_LETTERS_MIN = 8
"""Fewer different letters, or bytes, are a repetition and no secret."""


def secrets_weak() -> Iterator[str]:
    """Name each secret that could be guessed."""
    for name in ("SECRET_KEY", "TOKENS_KEY", "METRICS_TOKEN"):
        secret: str = getattr(settings, name)
        if name == "METRICS_TOKEN" and not secret:
            # Without one, metrics are shown to operators alone.
            continue
        if len(secret) < SECRET_LENGTH_MIN:
            yield f"{name} has fewer than {SECRET_LENGTH_MIN} letters."
        elif len(set(secret)) < SECRET_LETTERS_MIN:
            yield f"{name} repeats the same few letters."
    if settings.SECRET_KEY == settings.TOKENS_KEY:
        yield "SECRET_KEY and TOKENS_KEY are the same."
    if len(set(settings.MATCHING["IDS_KEY"])) < SECRET_LETTERS_MIN:
        yield "MATCHING['IDS_KEY'] repeats the same few bytes."


def doors_open() -> Iterator[str]:
    """Name each setting that lets in or shows what it must not."""
    if "*" in settings.ALLOWED_HOSTS:
        yield "ALLOWED_HOSTS takes any host."
    if settings.DEBUG:
        yield "DEBUG is on."


def exposed_refuse() -> None:
    """Refuse to serve with any of these, where the settings say so; whatever serves calls this first.

    Raises:
        SetupError: one line that names each.

    """
    if not settings.EXPOSED_REFUSED:
        return
    named = [*secrets_weak(), *doors_open()]
    if named:
        raise SetupError(f"the venue is not started, its settings are not safe: {' '.join(named)}")
