"""The desk that is told a story is that of tests/core, and arbitrary logs are those of tests/properties."""

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

for area in ("core", "properties"):
    sys.path.append(str(Path(__file__).resolve().parents[1] / area))

_SLOW_START = [HealthCheck.too_slow]  # a busy machine is no defect of a strategy
settings.register_profile(
    "presets", max_examples=60, deadline=None, suppress_health_check=_SLOW_START, print_blob=True
)
settings.register_profile(
    "deskpulse-thorough", max_examples=5000, deadline=None, suppress_health_check=_SLOW_START, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "presets"))
