"""One measured figure, as a JSON line beside what it is compared with."""

from __future__ import annotations

import json


def figure(bench: str, value: float, unit: str, baseline: float, compared_with: str) -> None:
    """Print a figure; ``baseline`` was measured in the same run, in the same unit."""
    line = {
        "bench": bench,
        "value": round(value, 3),
        "unit": unit,
        "baseline": round(baseline, 3),
        "compared_with": compared_with,
        "ratio": round(value / baseline, 3),
    }
    print(json.dumps(line), flush=True)
