"""Request bodies: strict JSON, whatever the view."""

from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from cift.errors.application import ApplicationError
from cift.strictjson import JsonInvalidError, json_parse


class StrictJSONParser(BaseParser):
    """Reads `application/json` as `cift.strictjson` does; a body that is empty is an empty object."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], *_unused: Any, **_unused_too: Any) -> Any:
        """Read a body.

        Raises:
            ApplicationError: `invalid`: it is no JSON this venue takes; `payload_too_large`.

        """
        bytes_max: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(bytes_max + 1)
        if len(body) > bytes_max:
            raise ApplicationError("payload_too_large")
        if not body:
            return {}
        try:
            return json_parse(body)
        except JsonInvalidError as error:
            raise ApplicationError("invalid", str(error), errors=error.errors) from error
