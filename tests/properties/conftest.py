"""How hard hypothesis tries: a moment by default, HYPOTHESIS_PROFILE=deskpulse-thorough for an evening."""

import os

from hypothesis import HealthCheck, settings

SLOW_START = [HealthCheck.too_slow]  # a busy machine is no defect of a strategy

settings.register_profile(
    "deskpulse", max_examples=60, deadline=None, suppress_health_check=SLOW_START, print_blob=True
)
settings.register_profile(
    "deskpulse-thorough", max_examples=5000, deadline=None, suppress_health_check=SLOW_START, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "deskpulse"))
