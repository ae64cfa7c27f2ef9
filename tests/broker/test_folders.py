"""Scratch folders of brokers whose owner died without a trace do not pile up."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from streams.broker.folders import ScratchFolder, sweep


def made(root: Path, name: str) -> Path:
    """An empty folder with a name as ours."""
    folder = root / f"deskpulse-broker-{name}"
    folder.mkdir()
    return folder


def aged(path: Path) -> None:
    """Make it older than any owner needs between making the folder and locking it."""
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))


def test_a_folder_nobody_holds_is_swept(tmp_path: Path) -> None:
    folder = ScratchFolder(made(tmp_path, "dead"))
    folder.hand_over()  # to nobody: the lock is free
    aged(folder.path)
    sweep(tmp_path)
    assert not folder.path.exists()


def test_a_folder_of_a_living_owner_stays(tmp_path: Path) -> None:
    folder = ScratchFolder(made(tmp_path, "alive"))
    aged(folder.path)
    sweep(tmp_path)
    assert folder.path.exists()
    folder.remove()


def test_a_folder_made_a_moment_ago_stays(tmp_path: Path) -> None:
    young = made(tmp_path, "young")
    sweep(tmp_path)
    assert young.exists()


def test_folders_of_others_stay(tmp_path: Path) -> None:
    other = tmp_path / "somebody-else"
    other.mkdir()
    aged(other)
    sweep(tmp_path)
    assert other.exists()


def test_the_folder_goes_with_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = ScratchFolder.create()
    assert folder.path.parent == tmp_path
    folder.remove()
    assert list(tmp_path.iterdir()) == []
