"""Replay: every metric at every step of a history, from files, in event time."""
