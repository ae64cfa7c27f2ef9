"""The viewer itself: polling, keys, the command."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
from rich.console import Console
from top_canned import StubWorker, pipeline, support, text

from streams.top import run_top
from streams.top.poll import poll

COMMAND = [sys.executable, "-m", "streams.cli.main", "top"]


def free_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=100, height=30)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def until(console: Console, words: str, view: asyncio.Task[None]) -> None:
    """Wait for words on the screen; there is nothing but the screen to wait for."""
    while words not in shown(console):
        assert not view.done()
        await asyncio.sleep(0.05)


def test_a_poll_reads_compressed_metrics(worker: StubWorker) -> None:
    worker.text = text(support(), pipeline())
    answer = poll([worker.url])
    assert answer.failure is None
    assert answer.figures is not None
    assert answer.figures.support.open_tickets == 166


def test_a_poll_of_a_recovering_worker_carries_its_own_words(worker: StubWorker) -> None:
    worker.text = text(pipeline(ready=False))
    worker.message = "Not ready: 1 of 8 partitions are recovering."
    assert poll([worker.url]).message == worker.message


def test_a_closed_port_is_a_sentence() -> None:
    url = free_url()
    assert poll([url]).failure == f"{url} refuses the connection"


def test_an_error_of_the_worker_is_a_sentence(worker: StubWorker) -> None:
    worker.status = 500
    assert poll([worker.url]).failure == f"{worker.url} answers with HTTP status 500"


@pytest.mark.parametrize("body", ["<html>hello</html>", "# TYPE other gauge\nother 1\n", "# TYPE a b c{{\n", ""])
def test_somebody_elses_page_is_a_sentence(worker: StubWorker, body: str) -> None:
    worker.text = body
    assert poll([worker.url]).failure == f"{worker.url} answers, but not with deskpulse's metrics"


@pytest.mark.parametrize("kind", [asyncio.Event, threading.Event])
async def test_the_view_ends_when_it_is_told_to(
    worker: StubWorker, kind: type[asyncio.Event] | type[threading.Event]
) -> None:
    worker.text = text(support(), pipeline())
    console, stop = terminal(), kind()
    view = asyncio.create_task(run_top(worker.url, console=console, stop=stop, extra_lines=lambda: ["extra"]))
    await until(console, "Open tickets", view)
    stop.set()
    await view
    assert "extra" in shown(console)


async def test_the_view_finds_a_worker_that_comes_back(worker: StubWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.top.viewer.POLL_INTERVAL_S", 0.05)
    worker.status = 500
    console, stop = terminal(), asyncio.Event()
    view = asyncio.create_task(run_top(f"{worker.url}/metrics", console=console, stop=stop))
    await until(console, "HTTP status 500", view)
    worker.status, worker.text = 200, text(support(), pipeline())
    await until(console, "Open tickets", view)
    stop.set()
    await view


def test_once_prints_one_screen(worker: StubWorker) -> None:
    worker.text = text(support(), pipeline())
    environment = {**os.environ, "COLUMNS": "80", "LINES": "24"}
    done = subprocess.run(
        [*COMMAND, "--once", worker.url], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "Open tickets" in done.stdout
    assert len(done.stdout.splitlines()) == 24


def test_once_at_a_closed_port_fails_without_a_traceback() -> None:
    done = subprocess.run([*COMMAND, "--once", free_url()], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "refuses the connection" in done.stdout
    assert "Traceback" not in done.stderr


def test_an_address_without_a_scheme_is_one_sentence() -> None:
    done = subprocess.run([*COMMAND, "--once", "localhost:9464"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "write http://host:port" in done.stderr


@pytest.mark.parametrize("ending", ["q", "interrupt"])
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_q_and_ctrl_c_end_the_view_and_restore_the_terminal(worker: StubWorker, ending: str) -> None:
    import pty
    import termios

    worker.text = text(support(), pipeline())
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    process = subprocess.Popen([*COMMAND, worker.url], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    try:
        seen = b""
        while b"Open tickets" not in seen:
            assert process.poll() is None, seen
            seen += os.read(ours, 65536)
        reader = threading.Thread(target=drain, args=(ours,), daemon=True)
        reader.start()
        if ending == "q":
            os.write(ours, b"q")
        else:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert termios.tcgetattr(theirs)[3] == before[3]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(theirs)
        os.close(ours)


def drain(terminal_fd: int) -> None:
    """Read on, so that what the view writes at its end never blocks it."""
    try:
        while os.read(terminal_fd, 65536):
            pass
    except OSError:
        return
