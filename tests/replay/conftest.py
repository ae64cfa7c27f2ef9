"""Replays share the real histories and the arbitrary logs of their neighbours."""

import sys
from pathlib import Path

for neighbour in ("properties", "truth"):
    sys.path.append(str(Path(__file__).resolve().parents[1] / neighbour))
