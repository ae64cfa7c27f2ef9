"""The chaos tests share the harness, the traffic and the verdict of tests/faults."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))
