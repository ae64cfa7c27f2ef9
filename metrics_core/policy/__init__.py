"""The policy: what a deployment may choose about what is counted."""

from metrics_core.policy.errors import PolicyError
from metrics_core.policy.goals import Goals
from metrics_core.policy.policy import BASE_SETTINGS, WINDOWS, Policy
from metrics_core.policy.version import Version

__all__ = ["BASE_SETTINGS", "WINDOWS", "Goals", "Policy", "PolicyError", "Version"]
