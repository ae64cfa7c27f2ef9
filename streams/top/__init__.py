"""`deskpulse top`: the desk's figures in a terminal, large enough for a room."""

from streams.top.viewer import run_top

__all__ = ["run_top"]
