"""The policy: what a deployment may choose about what is counted."""

from metrics_core.policy.policy import WINDOWS, Policy, PolicyError

__all__ = ["WINDOWS", "Policy", "PolicyError"]
