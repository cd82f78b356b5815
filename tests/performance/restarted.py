"""The process a restart is measured with: becomes the writer, says when it was ready, and ends."""

import json
import sys
import time

import django


def main() -> None:
    """Start the order service's writer on the configured data."""
    django.setup()
    from apps.orders.matching.work import WriterOptions, WriterState  # noqa: PLC0415 - needs Django set up
    from apps.orders.matching.writer import Writer  # noqa: PLC0415

    began = time.time()
    writer = Writer(
        shard=0,
        options=WriterOptions(ids_key=bytes(range(16))),
        deliver=lambda _outcomes: None,
        publish=lambda _batch: None,
        on_end=lambda _error: None,
    )
    writer.start()
    while (status := writer.status()).state is WriterState.STARTING:
        time.sleep(0.002)
    ready_at = time.time()
    if status.state is not WriterState.READY:
        sys.exit(status.detail)
    json.dump({"ready_at": ready_at, "recovery": ready_at - began}, sys.stdout)
    sys.stdout.flush()
    writer.stop()


if __name__ == "__main__":
    main()
