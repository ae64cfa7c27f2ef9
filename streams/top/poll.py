"""Asking the workers for their metrics; every failure is a sentence, never an exception."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from streams.top.figures import NAMES, Figures, figures_of
from streams.top.samples import Samples

#: a worker that does not answer within it would not answer Prometheus either (its default is 10 s)
TIMEOUT_S = 5.0
#: 50,000 series take about 6 MB; whatever is larger is not ours
MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class Answer:
    """One poll: figures, or the reason for having none; ``message`` is the monitor's own word on its state."""

    at_s: float
    figures: Figures | None = None
    failure: str | None = None
    message: str | None = None


def poll(urls: Sequence[str]) -> Answer:
    """Figures of all workers together. Blocks for up to TIMEOUT_S a worker: run it in a thread."""
    # a proxy knows nothing of loopback
    opener = build_opener(ProxyHandler({}))
    texts: list[str] = []
    message = None
    for url in urls:
        try:
            texts.append(_get(opener, f"{url}/metrics"))
        except (OSError, HTTPException, ValueError, EOFError) as error:
            return Answer(time.time(), failure=f"{url} {_reason(error)}")
    try:
        samples = Samples.parse(texts, NAMES)
    except (ValueError, KeyError, IndexError):
        samples = Samples()
    if not samples.has("ready"):
        return Answer(time.time(), failure=f"{', '.join(urls)} answers, but not with deskpulse's metrics")
    now_s = time.time()
    figures = figures_of(samples, now_s)
    if not figures.pipeline.ready:
        message = next((said for url in urls if (said := _state(opener, url)) is not None), None)
    return Answer(now_s, figures, message=message)


def _get(opener: OpenerDirector, url: str) -> str:
    headers = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip"}
    with opener.open(Request(url, headers=headers), timeout=TIMEOUT_S) as response:  # noqa: S310 (http only: command)
        body: bytes = response.read(MOST_BYTES)
        if response.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
    return body.decode()


def _state(opener: OpenerDirector, url: str) -> str | None:
    """What `/readyz` says of a worker that is not ready; None when it is, or says nothing."""
    try:
        _get(opener, f"{url}/readyz")
    except HTTPError as error:
        try:
            body = error.read(MOST_BYTES)
            if error.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            said = json.loads(body).get("message")
        except (OSError, ValueError, AttributeError):
            return None
        return said if isinstance(said, str) else None
    except (OSError, HTTPException, ValueError, EOFError):
        return None
    return None


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"answers with HTTP status {error.code}"
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, ConnectionRefusedError):
        return "refuses the connection"
    if isinstance(cause, TimeoutError):
        return f"does not answer within {TIMEOUT_S:.0f} seconds"
    if isinstance(cause, OSError) and cause.strerror:
        return f"cannot be reached ({cause.strerror})"
    return "breaks off its answer"
