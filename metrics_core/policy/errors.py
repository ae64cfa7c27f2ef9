"""A policy that cannot be used."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable

#: names listed in a message; beyond, only the likely one is named
_MOST_LISTED = 12
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class PolicyError(ValueError):
    """One sentence that names the key and what to change; ``path`` is where it stands below ``policy``, as
    ``versions[1].sla[0].calendar``, empty where it is no single place."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


def path_key(name: str) -> str:
    """A key as it stands in a path, quoted as in TOML where it must be."""
    return name if _BARE_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def choices(given: str, known: Iterable[str], otherwise: str = "") -> str:
    """What to write instead: the known name that was probably meant, else all of them where they are few."""
    names = sorted(known) if not isinstance(known, tuple | list) else list(known)
    folded = {name.casefold(): name for name in reversed(names)}
    near = difflib.get_close_matches(given.casefold(), folded, n=1)
    if near:
        return f"did you mean {folded[near[0]]!r}?"
    return f"use one of {', '.join(names)}" if names and len(names) <= _MOST_LISTED else otherwise


def check_unique(names: tuple[str, ...], whose: str, path: str) -> None:
    """Raise PolicyError where a list names something twice."""
    for at, name in enumerate(names):
        if name in names[:at]:
            raise PolicyError(f"{whose} names {name!r} twice: take one out", f"{path}[{at}]")
