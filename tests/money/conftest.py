"""The company of tests/worked_examples is told stories here, too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "worked_examples"))
