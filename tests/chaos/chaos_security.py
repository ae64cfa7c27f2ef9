"""Brokers that let nobody in who does not prove who he is."""

from __future__ import annotations

import time
from itertools import cycle, islice
from typing import Any

from chaos_act import Act, Outcome, Stage, last_words
from chaos_brokers import secure_broker

ENDED_TIMEOUT_S = 60.0


def credentials(stage: Stage, times: int) -> Outcome:
    """Workers that prove themselves in another way each take over from one another after kill -9."""
    with secure_broker(stage.cache_dir) as broker:
        # traffic, topics and the verdict use the first way
        first = broker.sasl("SCRAM-SHA-512")
        ways = {
            "PLAIN": broker.sasl("PLAIN"),
            "a certificate": broker.certificate(),
            "SCRAM-SHA-256 without TLS": broker.sasl("SCRAM-SHA-256", tls=False),
            "SCRAM-SHA-256": broker.sasl("SCRAM-SHA-256"),
        }
        address = first.pop("brokers")
        with stage.act("secure", address, **{name: value for name, value in first.items() if value}) as act:
            with act.traffic():
                workers = act.open("only")
                for way in islice(cycle(ways.values()), times):
                    workers[0].kill()
                    killed_s = time.time()
                    workers = act.start("only", **way)
                    act.back(workers, killed_s)
            strangers = [
                broker.sasl("SCRAM-SHA-512", password="guessed"),
                broker.sasl("PLAIN", password="guessed"),
                {**broker.sasl("PLAIN"), "tls_ca": broker.stranger_ca},
                {**broker.certificate(), "tls_cert": None, "tls_key": None},
            ]
            for stranger in strangers:
                _assert_sent_away(act, stranger)
            used = ", ".join(["SCRAM-SHA-512", *list(ways)[:times]])
            note = (
                f"{used}; {len(strangers)} wrong passwords and certificates each ended a worker with one sentence"
            )
            return act.close(workers, times, note)


def _assert_sent_away(act: Act, settings: dict[str, Any]) -> None:
    """A worker that is not let in ends with status 2 and one sentence."""
    [worker] = act.start("stranger", **settings)
    assert worker.process.wait(ENDED_TIMEOUT_S) == 2, last_words(worker)
    said = worker.log.read_text().strip().splitlines()
    assert len(said) == 1, last_words(worker)
    assert "no Kafka broker answers" in said[0], said
