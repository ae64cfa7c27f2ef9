"""The line on which a value of a TOML text stands, however it is written."""

from __future__ import annotations

import tomllib

import pytest

from streams.toml_lines import keys_of, line_of, value_at

TEXT = '''\
# line 1
top = 1

[policy]
limit = 40 # line 5
roster = [
  "anna", # line 7: [not a table]

  "bob",
  "cleo"]
note = """
[policy.no_table]
limit = 3
"""
dotted.deep.key = { inline = { one = 1, two = 2 } } # line 15

[[policy.versions]] # 17
version = 1
calendars.berlin.zone = "Europe/Berlin"

[[policy.versions]] # 21
version = 2

[[policy.versions.sla]] # 24
name = "a"

[[policy.versions.sla]] # 27
name = "b"
first_response_s = 60

[policy.versions.calendars."day.shift"] # 31
hours.mon = [
  "09:00-12:00", "13:00-17:00",
  "18:00-19:00",
]
pairs = [ { a = 1 },
          { a = 2, b = [ 1,
                         2 ] },
]

[policy."quoted \\"key\\""]
x = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("top", 2),
        ("policy", 4),
        ("policy.limit", 5),
        ("policy.roster", 6),
        ("policy.roster[0]", 7),
        ("policy.roster[1]", 9),
        ("policy.roster[2]", 10),
        ("policy.note", 11),
        ("policy.dotted", 15),
        ("policy.dotted.deep.key.inline.two", 15),
        ("policy.versions", 17),
        ("policy.versions[0]", 17),
        ("policy.versions[0].version", 18),
        ("policy.versions[0].calendars.berlin", 19),
        ("policy.versions[1]", 21),
        ("policy.versions[1].version", 22),
        ("policy.versions[1].sla[0].name", 25),
        ("policy.versions[1].sla[1]", 27),
        ("policy.versions[1].sla[1].first_response_s", 29),
        ("policy.versions[1].calendars", 31),
        ('policy.versions[1].calendars."day.shift".hours.mon', 32),
        ('policy.versions[1].calendars."day.shift".hours.mon[1]', 33),
        ('policy.versions[1].calendars."day.shift".hours.mon[2]', 34),
        ('policy.versions[1].calendars."day.shift".pairs[0].a', 36),
        ('policy.versions[1].calendars."day.shift".pairs[1].b[1]', 38),
        ('policy."quoted \\"key\\""', 41),
    ],
)
def test_a_value_stands_on_the_line_where_it_first_appears(path: str, line: int) -> None:
    keys = keys_of(path)
    assert value_at(tomllib.loads(TEXT), keys)[0] == len(keys), "the text has no such value"
    assert line_of(TEXT, keys) == line
    assert line_of(TEXT.replace("\n", "\r\n"), keys) == line


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("policy.versions[1].effective_from", 21),
        ("policy.versions[2]", 17),
        ("policy.roster[9]", 6),
        ("policy.limit.too.deep", 5),
    ],
)
def test_a_value_that_is_not_there_stands_where_it_would_be_looked_for(path: str, line: int) -> None:
    assert line_of(TEXT, keys_of(path)) == line


def test_what_nothing_holds_has_no_line() -> None:
    assert line_of(TEXT, keys_of("elsewhere.key")) is None
    assert line_of("", keys_of("policy")) is None


def test_a_list_of_very_many_lines_is_not_looked_into() -> None:
    text = "a = 1\nroster = [\n" + '  "x",\n' * 500 + "]\n"
    assert line_of(text, ("roster", 400)) == 2


def test_a_path_is_read_into_its_steps() -> None:
    assert keys_of('versions[12].calendars."day.shift".hours.mon[0]') == (
        ("versions", 12, "calendars", "day.shift", "hours", "mon", 0)
    )
    assert keys_of("") == ()
