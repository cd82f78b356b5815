"""Answers as JSON, encoded by msgspec: its structs as they are, in a fraction of the standard library's time."""

from collections.abc import Mapping
from typing import Any

import msgspec
from rest_framework.renderers import JSONRenderer

# REST framework's own answers may hold texts marked or put off by Django, which are strings of other classes.
_encoder = msgspec.json.Encoder(enc_hook=str)


class StructRenderer(JSONRenderer):
    """Writes what views answer, msgspec's structs among it."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Encode an answer; indented where a person reads it."""
        if data is None:
            return b""
        encoded = _encoder.encode(data)
        indent = self.get_indent(accepted_media_type or "", dict(renderer_context or {}))
        return msgspec.json.format(encoded, indent=indent) if indent else encoded
