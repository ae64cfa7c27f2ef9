"""Where the figures of a run are written."""

from __future__ import annotations

from pathlib import Path

from bench.__main__ import BEGIN, END, _figures, _page

FIGURE = {"bench": "core", "value": 2.0, "unit": "s", "baseline": 4.0, "compared_with": "another", "ratio": 0.5}


def test_a_page_with_marks_keeps_all_but_what_is_between_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}old\n{END}after\n")
    written = _page(page, _figures([FIGURE], 0.0))
    assert written.startswith(f"before\n{BEGIN}Measured on ")
    assert written.endswith(f"| core | 2 | s | 4 | another | 0.5 |\n{END}after\n")


def test_a_page_without_marks_is_made_anew(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("old\n")
    assert _page(page, "figures").startswith("# Benchmarks\n")
    assert "old" not in _page(page, "figures")
