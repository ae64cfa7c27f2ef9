"""Measurements behind `make bench`; each prints JSON lines: bench, value, unit, baseline, ratio."""
