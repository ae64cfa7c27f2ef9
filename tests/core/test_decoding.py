"""Bytes to events: what is read, what is refused, and with which reason."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from metrics_core.decode import MAX_VALUE_BYTES, decode
from metrics_core.events import DATA_OF_TYPE, EVENT_CLASSES, TYPE_OF_CLASS
from metrics_core.rejects import Reason, Refused

ENVELOPE = {
    "specversion": "1.0",
    "id": "1",
    "source": "desk",
    "type": "helpdesk.ticket.message",
    "subject": "desk/1",
    "time": "2026-03-02T00:00:00Z",
}
HEADERS = [(f"ce_{name}", value.encode()) for name, value in ENVELOPE.items()]


def value(**changes: Any) -> bytes:
    return json.dumps({**ENVELOPE, "data": {"actor": "agent"}, **changes}).encode()


def refused(text: bytes, headers: Any = ()) -> Refused:
    with pytest.raises(Refused) as caught:
        decode(text, headers)
    return caught.value


def test_structured_and_binary_mode_give_the_same_event() -> None:
    assert decode(value()) == decode(b'{"actor": "agent"}', HEADERS)


def test_headers_that_are_no_cloudevents_attributes_leave_the_structured_event_alone() -> None:
    assert decode(value(), [("traceparent", b"00-1"), ("ce_other", b"x")]) == decode(value())


def test_a_binary_event_without_a_value_has_empty_data() -> None:
    headers = [*HEADERS[:3], ("ce_type", b"helpdesk.ticket.deleted"), *HEADERS[4:]]
    assert TYPE_OF_CLASS[type(decode(b"", headers))] == "helpdesk.ticket.deleted"


def test_a_header_without_a_value_is_no_attribute() -> None:
    assert refused(b"{}", [("ce_id", None), *HEADERS[:1], *HEADERS[2:]]).reason == Reason.MISSING_FIELD


def test_a_binary_value_cannot_add_attributes_of_its_own() -> None:
    assert refused(b'{"actor": "agent"}, "subject": "desk/2"', HEADERS).reason == Reason.INVALID_JSON


def test_a_header_called_data_does_not_replace_the_value() -> None:
    assert decode(b'{"actor": "agent"}', [*HEADERS, ("ce_data", b"x")]).data.actor == "agent"


@pytest.mark.parametrize("event_type", EVENT_CLASSES)
def test_data_may_be_left_out_where_nothing_in_it_is_required(event_type: str) -> None:
    required = any(field.required for field in msgspec.structs.fields(DATA_OF_TYPE[event_type]))
    text = json.dumps({**ENVELOPE, "type": event_type}).encode()
    if required:
        assert refused(text).reason == Reason.MISSING_FIELD
    else:
        assert TYPE_OF_CLASS[type(decode(text))] == event_type


def test_unknown_fields_are_ignored_in_the_envelope_and_in_the_data() -> None:
    odd = value(x=[1, {"y": None}], data={"actor": "agent", "mood": "good"})
    assert decode(odd) == decode(value())


def test_the_largest_value_is_read_and_one_byte_more_is_not() -> None:
    padding = MAX_VALUE_BYTES - len(value(x=""))
    assert decode(value(x="p" * padding)) == decode(value())
    assert refused(value(x="p" * (padding + 1))).reason == Reason.TOO_LARGE


@pytest.mark.parametrize("escape", [rb'"\ud800"', rb'"\udc00"', rb'"\ud800A"'])
def test_half_a_surrogate_pair_is_no_json(escape: bytes) -> None:
    assert refused(value(subject="@").replace(b'"@"', escape)).reason == Reason.INVALID_JSON


def test_the_last_of_two_fields_of_one_name_counts() -> None:
    assert decode(value()[:-1] + b', "id": "2"}').id == "2"


@pytest.mark.parametrize(
    ("text", "reason", "wording"),
    [
        (value(id=7), Reason.WRONG_TYPE, "Expected `str`, got `int` - at `$.id`"),
        (value(data=[]), Reason.WRONG_TYPE, "Expected `object`, got `array` - at `$.data`"),
        (b"[]", Reason.WRONG_TYPE, "Expected `object`, got `array`"),
        (value(data={}), Reason.MISSING_FIELD, "Object missing required field `actor` - at `$.data`"),
        (b"{}", Reason.MISSING_FIELD, "Object missing required field `type`"),
        (value(type="x"), Reason.UNKNOWN_TYPE, "Invalid value 'x' - at `$.type`"),
        (value(specversion="0.3"), Reason.UNSUPPORTED_VERSION, "Invalid enum value '0.3' - at `$.specversion`"),
        (value(data={"actor": "x"}), Reason.INVALID_VALUE, "Invalid enum value 'x' - at `$.data.actor`"),
        (value(id=""), Reason.INVALID_VALUE, "Expected `str` of length >= 1 - at `$.id`"),
        (value(id="x" * 513), Reason.INVALID_VALUE, "Expected `str` of length <= 512 - at `$.id`"),
        (value(sequence="9" * 513), Reason.INVALID_VALUE, "Expected `str` of length <= 512 - at `$.sequence`"),
        (b"{", Reason.INVALID_JSON, "Input data was truncated"),
        (b"hello", Reason.INVALID_JSON, "JSON is malformed: invalid character (byte 0)"),
    ],
)
def test_the_wording_that_reasons_are_told_apart_by_is_what_the_decoder_says(
    text: bytes, reason: Reason, wording: str
) -> None:
    """A new msgspec that words its messages differently must not change reasons in silence."""
    error = refused(text)
    assert (error.reason, error.detail) == (reason, wording)
