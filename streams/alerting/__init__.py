"""Alerts: which there are, what each says and links to, and the rule files that Prometheus loads."""
