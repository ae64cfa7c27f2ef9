"""The real histories are read by the helper of tests/truth; hypothesis tries as hard as in tests/properties."""

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.append(str(Path(__file__).resolve().parents[1] / "truth"))

_SLOW_START = [HealthCheck.too_slow]  # a busy machine is no defect of a strategy
settings.register_profile("crm", max_examples=60, deadline=None, suppress_health_check=_SLOW_START, print_blob=True)
settings.register_profile(
    "deskpulse-thorough", max_examples=5000, deadline=None, suppress_health_check=_SLOW_START, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "crm"))
