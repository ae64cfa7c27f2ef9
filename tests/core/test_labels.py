"""Label tuples have small numbers that stay theirs."""

from metrics_core.labels import LabelTable


def test_a_tuple_keeps_its_number() -> None:
    table = LabelTable()
    assert [table.intern(label) for label in (("a",), ("b",), ("a",))] == [0, 1, 0]


def test_only_new_tuples_wait_to_be_saved() -> None:
    table = LabelTable()
    table.intern(("a",))
    table.fresh.clear()
    table.intern(("a",))
    table.intern(("b",))
    assert table.fresh == [1]


def test_tuples_may_be_loaded_in_any_order_and_numbering_goes_on_behind_them() -> None:
    table = LabelTable()
    for label_id, label in ((2, ("c",)), (0, ("a",)), (1, ("b",))):
        table.load(label_id, label)
    assert table.values == [("a",), ("b",), ("c",)]
    assert table.intern(("d",)) == 3
    assert table.intern(("b",)) == 1
