"""A policy that cannot be used."""

from __future__ import annotations


class PolicyError(ValueError):
    """One sentence that names the key and what to change; ``path`` is where it stands below ``policy``, as
    ``versions[1].sla[0].calendar``, empty where it is no single place."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path
