"""The compiled reader takes the events that producers write, and whatever it takes is what the pure form gives."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_core.decode import MAX_VALUE_BYTES
from tests.native.event_forms import TYPES, Form, Scan, decoded, is_taken, mutated, scanned, simulated

EVENTS = simulated(400)
ENVELOPE = {
    "specversion": "1.0",
    "source": "/desk",
    "id": "e-1",
    "subject": "ticket/1",
    "time": "2026-01-05T04:32:46Z",
}
#: the least that is asked for, by type
LEAST: dict[str, dict[str, Any]] = {kind: {} for kind in TYPES} | {
    "message": {"actor": "agent"},
    "status_changed": {"to": "open"},
}
FIELDS = {
    "created": "actor requester channel group assignee priority category brand tags complaint",
    "message": "actor public agent",
    "status_changed": "to from actor agent",
    "updated": "actor requester channel group assignee priority category brand tags complaint",
    "escalated": "level",
}
ATTRIBUTES = ("specversion", "id", "source", "subject", "time", "sequence", "tenant", "type", "data", "other")
#: JSON of every kind, good and bad
SCALARS = (
    *('""', '"x"', '"agent"', '"open"', '"1.0"', '"2026-01-05T04:32:46Z"', '"helpdesk.ticket.created"', "null"),
    *(
        "true",
        "false",
        "tru",
        "nul",
        "True",
        "NaN",
        "0",
        "7",
        "-7",
        "-0",
        "-",
        "00",
        "01",
        "-01",
        "1.0",
        "1e3",
        "1.",
    ),
    *(
        "999",
        "1000",
        "9" * 18,
        "1" + "0" * 18,
        "18446744073709551616",
        "9" * 4_400,
        "",
        "{}",
        "[]",
        "[null]",
        "[1]",
    ),
    *('["a"]', '["a","b"]', '[ "a" , "" ]', '["a",]', '[,"a"]', '["a" "b"]', '[["a"]]', '["a"', '{"a":1}', '"'),
    *(
        r'"\u0061"',
        r'"\\"',
        r'"\q"',
        '"é"',
        '"\x7f"',
        '"\x1f"',
        '"\n"',
        '"\0"',
        "nullx",
        "1x",
        '"x"x',
        "'x'",
        "/**/1",
    ),
)
#: around the limits of events.py, and of the eight bytes that are looked at together
LENGTHS = (0, 1, 6, 7, 8, 9, 15, 16, 17, 511, 512, 513, 1023, 1024, 1025)


def value_of(kind: str, data: Any = None, **attributes: Any) -> bytes:
    """An event as a producer writes it; without ``data`` it has the least that is asked for."""
    fields = LEAST[kind] if data is None else data
    return json.dumps({**ENVELOPE, "type": f"helpdesk.ticket.{kind}", **attributes, "data": fields}).encode()


@pytest.fixture(scope="module")
def scan(compiled: Callable[[str], ModuleType]) -> Scan:
    function: Scan = compiled("metrics_core.native.scan").scanned
    return function


COMMON: dict[str, bytes] = {
    **{f"{kind} with the least": value_of(kind) for kind in TYPES},
    **{f"{kind} by its actor {actor}": value_of(kind, {"actor": actor})
       for kind in ("created", "message", "updated") for actor in ("customer", "agent", "bot", "system")},
    **{f"status {to}": value_of("status_changed", {"from": "new", "to": to, "actor": "x", "agent": None})
       for to in ("new", "open", "pending", "on_hold", "resolved", "closed")},
    **{f"{kind} with all fields": value_of(kind, {
        "actor": "agent", "requester": "r", "channel": "email", "group": "g", "assignee": "a", "priority": "p",
        "category": "c", "brand": "b", "tags": ["x", "y"], "complaint": True,
    }) for kind in ("created", "updated")},
    **{f"{kind} with nulls": value_of(kind, dict.fromkeys(FIELDS[kind].split()))
       for kind in ("created", "updated")},
    **{f"a message, public: {public}": value_of("message", {"actor": "bot", "public": public})
       for public in (True, False)},
    **{f"level {level}": value_of("escalated", {"level": level}) for level in (None, "", "high", 2, -2)},
    **{f"sequence {sequence!r}": value_of("created", sequence=sequence)
       for sequence in (None, "", "0", 0, "7", 7, 999, "999", "1000", 1000, "007", "0001", "a-7", 10**17,
                        "9" * 512)},
    **{f"tenant {tenant!r}": value_of("created", tenant=tenant) for tenant in (None, "", "acme", "x" * 2_000)},
    **{f"time {time}": value_of("created", time=time) for time in (
        "2026-01-05T04:32:46Z", "2026-01-05T04:32:46.8Z", "2026-01-05T04:32:46.844Z", "2026-01-05T04:32:46.123456Z",
        "2026-01-05T04:32:46.123456789123Z", "2024-02-29T23:59:59+01:30", "2000-02-29T00:00:00.5-23:59",
        "2026-12-31T23:59:59.999999-00:00", "2100-03-01T00:00:00Z", "1971-01-01T00:00:00Z", "2199-12-31T23:59:59Z",
    )},
    "attributes that are not known": value_of(
        "created", datacontenttype="application/json", partitionkey=None, traced=True, weight=-12, other=""
    ),
    "an update by anyone": value_of("updated", {"actor": "someone"}),
    "fields that are not known": value_of(
        "message", {"actor": "agent", "group": "g", "to": None, "level": 3, "seen": False, "tags": "x", "": ""}
    ),
    "no fields, with blanks": value_of("created").replace(b"{}", b" {\n} "),
    "a list without strings": value_of("created", {"tags": []}).replace(b"[]", b"[ \t]"),
    "blanks around everything": b"\r\n\t " + json.dumps(
        json.loads(value_of("created", {"group": "g", "x": 1, "tags": ["x", "y"], "complaint": None})),
        indent="\r\n\t ", separators=(" ,\t", " :\n"),
    ).encode() + b" \n",
    "the names of an event as values": value_of("created", {"group": "data", "channel": "type", "brand": "{}[],:"}),
}  # fmt: skip


def test_the_common_forms_are_taken(scan: Scan) -> None:
    assert [name for name, value in COMMON.items() if not is_taken(scan, value)] == []


def test_simulated_events_are_taken_compact_spaced_and_sorted(scan: Scan) -> None:
    assert {decoded(value)["type"] for value in EVENTS} == set(TYPES)  # type: ignore[index]
    for value in EVENTS:
        event = json.loads(value)
        assert is_taken(scan, value)
        assert is_taken(scan, json.dumps(event).encode())
        assert is_taken(scan, json.dumps(event, sort_keys=True, separators=(",", ":")).encode())
        assert is_taken(scan, json.dumps(event, indent=2).encode())


@pytest.mark.parametrize("kind", TYPES)
def test_every_value_of_every_field_is_read_as_by_the_pure_form_or_declined(kind: str, scan: Scan) -> None:
    for place in (*ATTRIBUTES, *(f"data {name}" for name in (*FIELDS[kind].split(), "other"))):
        data = dict(LEAST[kind])
        event: dict[str, Any] = {**ENVELOPE, "type": f"helpdesk.ticket.{kind}", "data": data}
        (data if place.startswith("data ") else event)[place.removeprefix("data ")] = "@"
        for form in (json.dumps(event), json.dumps(event, sort_keys=True, separators=(",", ":"))):
            for scalar in SCALARS:
                is_taken(scan, form.replace('"@"', scalar).encode())
            for length in LENGTHS:
                is_taken(scan, form.replace("@", "x" * length).encode())


@pytest.mark.parametrize("kind", TYPES)
def test_a_field_that_is_missing_or_named_twice_is_declined(kind: str, scan: Scan) -> None:
    least = value_of(kind)
    event = json.loads(least)
    for name in event:
        assert scan(json.dumps({k: v for k, v in event.items() if k != name}).encode()) is None
        assert scan(least[:-1] + b', "%b": %b}' % (name.encode(), json.dumps(event[name]).encode())) is None
    for name in ("sequence", "tenant"):
        assert scan(least[:-1] + b', "%b": "7", "%b": "7"}' % (name.encode(), name.encode())) is None
    for name in FIELDS[kind].split():
        for form in ("null", "[]", '"agent"'):
            twice = ", ".join((*(f'"{k}": "{v}"' for k, v in LEAST[kind].items()), *[f'"{name}": {form}'] * 2))
            assert scan(json.dumps({**event, "data": "@"}).replace('"@"', f"{{{twice}}}").encode()) is None
    for name in LEAST[kind]:
        assert scan(value_of(kind, {"brand": name})) is None


def test_texts_up_to_their_limit_are_taken_and_no_longer_ones(scan: Scan) -> None:
    for name in ("id", "source", "subject"):
        assert [is_taken(scan, value_of("created", **{name: "x" * n})) for n in (0, 1, 512, 513)] == [0, 1, 1, 0]
    for name in ("requester", "channel", "group", "assignee", "priority", "category", "brand"):
        for kind in ("created", "updated"):
            assert [is_taken(scan, value_of(kind, {name: "x" * n})) for n in (0, 1024, 1025)] == [1, 1, 0]
    for name in ("actor", "agent", "from"):
        data = [{"to": "open", name: "x" * n} for n in (0, 1024, 1025)]
        assert [is_taken(scan, value_of("status_changed", one)) for one in data] == [1, 1, 0]
    assert [is_taken(scan, value_of("created", sequence="x" * n)) for n in (512, 513)] == [1, 0]
    assert is_taken(scan, value_of("escalated", {"level": "x" * 5_000}))


def test_a_value_over_the_limit_is_declined(scan: Scan) -> None:
    value = value_of("created")
    assert is_taken(scan, value.ljust(MAX_VALUE_BYTES))
    assert scan(value.ljust(MAX_VALUE_BYTES + 1)) is None


def test_what_is_cut_off_or_followed_by_more_is_declined(scan: Scan) -> None:
    for value in (*COMMON.values(), *EVENTS[:20]):
        value = value.strip()
        assert not any(scan(value[:size]) for size in range(len(value)))
        assert not any(scan(value + more) for more in (b"}", b"{}", b",", b"\0", b"x", b"1", b"\xc2\xa0"))


def test_every_day_from_1969_to_2200_is_read_as_by_the_pure_form_or_declined(scan: Scan) -> None:
    left, right = value_of("created", time="@").split(b"@")
    taken = 0
    for year in range(1969, 2202):
        for month in range(14):
            for day in (0, 1, 27, 28, 29, 30, 31, 32):
                taken += is_taken(scan, b"%b%04d-%02d-%02dT23:59:59Z%b" % (left, year, month, day, right))
    assert taken > 230 * 12 * 4


@pytest.mark.parametrize(
    "time",
    [
        *("20xx-01-05T04:32:46Z", "10xx-01-05T04:32:46Z", "xx26-01-05T04:32:46Z", "2026-01-05", "", "Z"),
        *("2026-01-05T04:32:46", "2026-01-05T04:32:46z", "2026-01-05t04:32:46Z", "2026-01-05 04:32:46Z"),
        *("2026-01-05T24:00:00Z", "2026-01-05T04:60:00Z", "2026-01-05T04:32:60Z", "2026-01-05T04:32:46.Z"),
        *("2026-01-05T04:32:46,5Z", "2026-01-05T04:32:46+24:00", "2026-01-05T04:32:46+01:60"),
        *("2026-01-05T04:32:46+0100", "2026-01-05T04:32:46+01", "2026-01-05T04:32:46Z ", "2026-W01-1T04:32:46Z"),
        *("1970-01-01T23:59:59Z", "2199-12-31T23:59:59-00:01", "2200-01-01T00:00:00Z", "2200-01-01T00:00:00+23:00"),
    ],
)
def test_other_times_are_declined(time: str, scan: Scan) -> None:
    assert scan(value_of("created", time=time)) is None


@pytest.mark.parametrize("kind", TYPES)
def test_a_null_is_not_taken_for_the_text_before_it(kind: str, scan: Scan) -> None:
    event = json.loads(value_of(kind))
    for name, text in event.items():
        assert (
            scan(json.dumps({k: v for k, v in event.items() if k != name} | {"x": text, name: None}).encode())
            is None
        )
    for name, text in LEAST[kind].items():
        assert scan(value_of(kind, {"x": text, name: None})) is None


def test_every_byte_of_a_time_is_looked_at(scan: Scan) -> None:
    for time in (b"2026-01-05T04:32:46Z", b"2011-11-11T11:11:11.123456789Z", b"2026-01-05T04:32:46.5+01:30"):
        left, right = value_of("created", time="@").split(b"@")
        for place in range(len(time) + 1):
            for byte in range(256):
                for skipped in (0, 1):
                    is_taken(scan, left + time[:place] + bytes([byte]) + time[place + skipped :] + right)


def test_every_byte_of_an_event_is_looked_at(scan: Scan) -> None:
    left, right = value_of("created", {"group": "@", "tags": ["x"]}, other="12345678").split(b"@")
    value = left + b"abcdefghi" + right
    for place in range(len(value)):
        for byte in range(256):
            is_taken(scan, value[:place] + bytes([byte]) + value[place + 1 :])
            # a letter beyond ASCII may lie in no text at all
            assert byte < 0x80 or scan(value[:place] + bytes([byte]) + value[place + 1 :]) is None


def test_events_with_damage_are_read_as_by_the_pure_form_or_declined(scan: Scan) -> None:
    choose = random.Random(17)
    values = [*EVENTS, *COMMON.values()]
    taken = sum(is_taken(scan, mutated(choose, choose.choice(values))) for _ in range(20_000))
    assert 1_000 < taken < 19_000


texts = st.text(st.characters(max_codepoint=0x200), max_size=30) | st.sampled_from(
    ["agent", "open", "", "x" * 1025]
)
values = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.lists(texts, max_size=3)


parts = st.sampled_from(TYPES).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.dictionaries(st.sampled_from(FIELDS[kind].split()) | texts, values, max_size=6),
        st.dictionaries(st.sampled_from(ATTRIBUTES[:-2]) | texts, values, max_size=3),
    )
)
separators = st.sampled_from([None, (",", ":"), (" ,\n", "\t: ")])


@given(parts=parts, order=st.randoms(use_true_random=False), ascii_only=st.booleans(), between=separators)
def test_events_of_any_fields_in_any_order_are_read_as_by_the_pure_form_or_declined(
    parts: tuple[str, Form, Form], order: random.Random, ascii_only: bool, between: Any, scan: Scan
) -> None:
    kind, data, attributes = parts
    event = {**ENVELOPE, "type": f"helpdesk.ticket.{kind}", "data": {**LEAST[kind], **data}, **attributes}
    items = list(event.items())
    order.shuffle(items)
    text = json.dumps(dict(items), ensure_ascii=ascii_only, separators=between)
    is_taken(scan, text.encode("utf-8", "surrogatepass"))


def test_the_key_of_a_sequence_is_that_of_the_pure_form(scan: Scan) -> None:
    for number in (*range(1_002), 10**17):
        for sequence in (number, str(number), f"0{number}", f"{number} ", f"-{number}", f"x{number}"):
            assert is_taken(scan, value_of("created", sequence=sequence))
    form = scanned(scan, value_of("created", sequence=-1))
    assert form is None


def test_nothing_is_kept_of_what_was_read(scan: Scan) -> None:
    def read_all() -> int:
        for value in (*EVENTS[:50], *COMMON.values()):
            scan(value)
            scan(value[:-1])
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        read_all()
        before = read_all()
        for _ in range(50):
            after = read_all()
    finally:
        tracemalloc.stop()
    assert after - before < 1_000
