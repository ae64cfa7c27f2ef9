"""Rows in a file read back as they were last written."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.replay import row_file
from streams.replay.row_file import RowFile


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.binary(max_size=30))), st.integers(1, 60))
def test_a_row_file_answers_as_a_dict_does(changes: list[tuple[str, bytes | None]], buffer_bytes: int) -> None:
    before = row_file._BUFFER_BYTES
    row_file._BUFFER_BYTES = buffer_bytes
    try:
        rows, plain = RowFile(), dict[str, bytes]()
        for subject, packed in changes:
            if packed is None:
                assert rows.pop(subject, None) == plain.pop(subject, None)
            else:
                rows[subject] = plain[subject] = packed
            assert dict(rows) == plain
    finally:
        row_file._BUFFER_BYTES = before
