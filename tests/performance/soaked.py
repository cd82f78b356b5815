"""What the last soak found, for the benchmark's report: memory after an hour and its growth are of no short run."""

import json
from pathlib import Path
from typing import Any

MISSING = (
    "no soak is reported in {path}: memory after an hour and its growth are not measured here, `make soak` does that"
)


def soaked(path: Path) -> dict[str, Any]:
    """Return the last soak's date, minutes and verdicts, or in `missing` why there are none."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        return {
            "date": str(report["machine"]["date"]),
            "commit": report["machine"].get("commit"),
            "minutes": float(report["minutes"]),
            "verdicts": [
                {name: each[name] for name in ("name", "measured", "bound", "ok")} for each in report["verdicts"]
            ],
        }
    except FileNotFoundError:
        return {"missing": MISSING.format(path=path)}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        return {"missing": f"the last soak's report {path} cannot be read: {type(error).__name__} {error}"}
