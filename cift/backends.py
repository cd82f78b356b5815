"""Settings dictionaries of exchangeable parts, in the shape of Django's CACHES: BACKEND and OPTIONS."""

from collections.abc import Iterator
from threading import Lock
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

BackendT = TypeVar("BackendT")


class BackendHandler(Generic[BackendT]):
    """The instances a setting describes, one a process and alias, made at first use; anew when the setting changes."""

    def __init__(self, setting: str, base: type[BackendT]) -> None:
        """Take the setting's name, and the class its backends must be of."""
        self.setting = setting
        self.base = base
        self._made: dict[str, BackendT] = {}
        self._lock = Lock()
        setting_changed.connect(self._forget)

    def __getitem__(self, alias: str) -> BackendT:
        """Return the instance of an alias.

        Raises:
            ImproperlyConfigured: no such alias, no such class, or a class that does not keep the contract.

        """
        with self._lock:
            if alias not in self._made:
                self._made[alias] = self._make(alias)
            return self._made[alias]

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the setting, a line for each alias that cannot be used."""
        for alias in getattr(settings, self.setting, {}):
            try:
                self[alias]
            except (ImproperlyConfigured, TypeError) as error:
                yield f"{self.setting}[{alias!r}] cannot be used: {error}"

    def _make(self, alias: str) -> BackendT:
        entries: dict[str, dict[str, Any]] = getattr(settings, self.setting)
        if alias not in entries:
            raise ImproperlyConfigured(f"{self.setting} has no {alias!r}")
        entry = entries[alias]
        try:
            backend = import_string(entry["BACKEND"])
        except (KeyError, ImportError) as error:
            raise ImproperlyConfigured(
                f"{self.setting}[{alias!r}] names no BACKEND that can be imported: {error}"
            ) from error
        if not (isinstance(backend, type) and issubclass(backend, self.base)):
            raise ImproperlyConfigured(f"{self.setting}[{alias!r}]: {entry['BACKEND']} is not a {self.base.__name__}")
        return backend(**entry.get("OPTIONS", {}))

    def _forget(self, *, setting: str, **_rest: Any) -> None:
        if setting == self.setting:
            with self._lock:
                self._made.clear()
