"""Serving: `/metrics` from an immutable snapshot, health, and a front page."""

from streams.serving.server import Server, start_server

__all__ = ["Server", "start_server"]
