"""What stands for pagers and chats: an HTTP server on loopback that keeps what is posted to it, by path."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """One post: to whom (the path without its slash), and what."""

    to: str
    body: Json

    def __repr__(self) -> str:
        about = f"{self.status} {sorted(self.names)}" if "alerts" in self.body else str(self.body)
        return f"<{self.to}: {about}>"

    @property
    def status(self) -> str:
        """Of a webhook of Alertmanager: firing or resolved."""
        return str(self.body["status"])

    @property
    def names(self) -> set[str]:
        """Of a webhook of Alertmanager: names of its alerts."""
        return {alert["labels"]["alertname"] for alert in self.body["alerts"]}


@dataclass
class Receiver:
    """A running one; ``url`` has no slash at its end."""

    url: str
    _messages: list[Message] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    def keep(self, message: Message) -> None:
        with self._arrived:
            self._messages.append(message)
            self._arrived.notify_all()

    def messages(self, to: str = "") -> list[Message]:
        """All, or those to one, in order of arrival."""
        with self._arrived:
            return [message for message in self._messages if to in ("", message.to)]

    def wait(self, to: str, wanted: Callable[[Message], bool], timeout_s: float, begin: int = 0) -> Message:
        """The first message of its kind, as soon as it is there; the first ``begin`` of all do not count."""
        deadline = time.monotonic() + timeout_s
        with self._arrived:
            while True:
                for message in self._messages[begin:]:
                    if message.to == to and wanted(message):
                        return message
                left_s = deadline - time.monotonic()
                assert left_s > 0, f"nothing such came to {to}: {self._messages[begin:]}"
                self._arrived.wait(left_s)


@contextlib.contextmanager
def listening() -> Iterator[Receiver]:
    """A receiver at a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.keep(Message(self.path.strip("/"), json.loads(body)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:
            """pytest shows what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
