"""The policy: what a deployment may choose about what is counted."""

from metrics_core.policy.errors import PolicyError
from metrics_core.policy.policy import WINDOWS, Policy
from metrics_core.policy.version import Version

__all__ = ["WINDOWS", "Policy", "PolicyError", "Version"]
