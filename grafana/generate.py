"""Writes the boards, the playlist of those for the wall, and the page of all panels: `make generate`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import playlistv1

from grafana.boards import boards
from grafana.catalogue import page
from streams.alerting import places

FOLDER: Final = Path(__file__).parent
_PAGE: Final = FOLDER.parent / "docs" / "boards.md"
#: on the wall, one after the other
_ON_THE_WALL: Final = (places.WALLBOARD, places.LIVE, places.SLA)


def files() -> dict[Path, str]:
    """Content of every generated file."""
    every = boards()
    written = {FOLDER / "dashboards" / f"{board.uid}.json": board.json() for board in every}
    return {**written, FOLDER / "playlist.json": _playlist(), _PAGE: page(every)}


def _playlist() -> str:
    """As Grafana's API takes it."""
    items = [playlistv1.PlaylistItem("dashboard_by_uid", uid) for uid in _ON_THE_WALL]
    playlist = playlistv1.Playlist("Support wall", "1m", items)
    resource = {
        "apiVersion": "playlist.grafana.app/v1",
        "kind": "Playlist",
        "metadata": {"name": places.PLAYLIST},
        "spec": playlist,
    }
    return json.dumps(resource, cls=JSONEncoder, indent=2) + "\n"


def main() -> int:
    """Write the files; with --check say which differ and return 1."""
    made = files()
    if "--check" in sys.argv[1:]:
        stale = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
        for path in stale:
            print(f"{path.name} is not what the catalog says: run `make generate`")
        return 1 if stale else 0
    (FOLDER / "dashboards").mkdir(exist_ok=True)
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
