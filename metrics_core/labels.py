"""Label interning: a tuple of label values <-> a small integer, kept beside the state."""

from __future__ import annotations

#: shown where a label's value is not known
NONE = "none"
#: shown where a value is outside a list
OTHER = "other"


class LabelTable:
    """Label tuples of one shard, numbered in order of appearance. New ones wait in ``fresh`` to be persisted."""

    def __init__(self) -> None:
        self.ids: dict[tuple[str, ...], int] = {}
        self.values: list[tuple[str, ...]] = []
        self.fresh: list[int] = []

    def intern(self, label: tuple[str, ...]) -> int:
        """The number of a label tuple, a new one where it has none."""
        label_id = self.ids.get(label)
        if label_id is None:
            label_id = self.ids[label] = len(self.values)
            self.values.append(label)
            self.fresh.append(label_id)
        return label_id

    def load(self, label_id: int, label: tuple[str, ...]) -> None:
        """Restore one numbered tuple, in any order."""
        while len(self.values) <= label_id:
            self.values.append(())
        self.values[label_id] = label
        self.ids[label] = label_id
