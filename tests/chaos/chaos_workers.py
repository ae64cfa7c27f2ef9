"""What happens to workers: they die, sleep, come and go."""

from __future__ import annotations

import signal
import statistics
import time

from chaos_act import Outcome, Stage, leave
from fault_harness import SESSION_TIMEOUT_S

#: of those that are killed, as many are given the time to recover before the next kill
SHARE_RECOVERED = 0.7


def kills(stage: Stage, times: int) -> Outcome:
    """kill -9 at a random moment, now and then within the recovery from the kill before."""
    with stage.act("kills") as act:
        with act.traffic():
            workers = act.open("only")
            for _ in range(times):
                time.sleep(act.chance.uniform(0.2, 2.0))
                workers[0].kill()
                killed_s = time.time()
                workers = act.start("only")
                if act.chance.random() < SHARE_RECOVERED:
                    act.back(workers, killed_s)
            act.whole(workers, time.time())
        return act.close(workers, times)


def short_stops(stage: Stage, times: int) -> Outcome:
    """SIGSTOP for up to half the session timeout: nobody notices, and everything goes on."""
    with stage.act("short-stops") as act:
        with act.traffic():
            pair = act.open("left", "right")
            for number in range(times):
                asleep = pair[number % 2]
                asleep.signal(signal.SIGSTOP)
                time.sleep(act.chance.uniform(0.2, SESSION_TIMEOUT_S / 2))
                asleep.signal(signal.SIGCONT)
                act.back(pair, time.time())
        return act.close(pair, times)


def long_stops(stage: Stage, times: int) -> Outcome:
    """SIGSTOP beyond the session timeout: another worker takes over, and the sleeper wakes up as a zombie."""
    taken_s = []
    with stage.act("long-stops") as act:
        with act.traffic():
            pair = act.open("left", "right")
            for number in range(times):
                asleep, awake = pair[number % 2], pair[1 - number % 2]
                asleep.signal(signal.SIGSTOP)
                taken_s.append(act.whole([awake], time.time()))
                time.sleep(act.chance.uniform(0.0, 1.0))
                asleep.signal(signal.SIGCONT)
                act.back(pair, time.time())
        ratio = statistics.median(taken_s) / SESSION_TIMEOUT_S
        return act.close(pair, times, f"taken over after {ratio:.1f} session timeouts (median)")


def joins(stage: Stage, times: int) -> Outcome:
    """A second and a third worker join; one leaves in order, one by kill -9, one restarts within its session."""
    with stage.act("joins") as act:
        with act.traffic():
            [first] = act.open("first")
            for _ in range(times):
                joined_s = time.time()
                [second] = act.start("second")
                act.back([first, second], joined_s)
                joined_s = time.time()
                [third] = act.start("third")
                act.back([first, second, third], joined_s)
                leave(second)
                left_s = time.time()
                [second] = act.start("second")
                act.back([first, second, third], left_s)
                third.kill()
                left_s = time.time()
                act.back([first, second], left_s)
                leave(second)
                left_s = time.time()
                act.back([first], left_s)
        act.workers = 3
        return act.close([first], 5 * times, "a place left empty is filled after the session timeout")
