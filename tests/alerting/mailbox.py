"""What stands for a mail server: it takes every mail on loopback and keeps it."""

from __future__ import annotations

import contextlib
import email
import email.policy
import queue
import socketserver
import threading
from collections.abc import Iterator
from email.message import EmailMessage


@contextlib.contextmanager
def mailbox() -> Iterator[tuple[str, queue.Queue[EmailMessage]]]:
    """host:port of a running one, and what it received."""
    mails: queue.Queue[EmailMessage] = queue.Queue()

    class Session(socketserver.StreamRequestHandler):
        """As much of SMTP (RFC 5321) as a client without extensions speaks."""

        def handle(self) -> None:
            self._say("220 ready")
            while line := self.rfile.readline():
                command = line[:4].upper().strip()
                if command == b"DATA":
                    self._say("354 go on")
                    mails.put(self._mail())
                self._say("221 bye" if command == b"QUIT" else "250 ok")
                if command == b"QUIT":
                    return

        def _mail(self) -> EmailMessage:
            lines = iter(self.rfile.readline, b".\r\n")
            # a leading dot is doubled on its way
            content = b"".join(line[1:] if line.startswith(b"..") else line for line in lines)
            mail = email.message_from_bytes(content, policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            return mail

        def _say(self, reply: str) -> None:
            self.wfile.write(f"{reply}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", mails
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
