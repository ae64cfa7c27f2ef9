"""Metric families: one file each, all of one shape (see base.Family)."""
