"""Tests of boards use the Prometheus and the stored series of the tests of rules."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "rules"))
# the boards' Python lies beside the packages and is not installed
sys.path.append(str(Path(__file__).resolve().parents[2]))
