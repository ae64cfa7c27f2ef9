"""Whether a table has the keys and kinds of values that a type asks for, said so that a person can mend it."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import inspect

from metrics_core.policy.errors import PolicyError, choices, path_key

_EXPECTED = {
    inspect.StrType: "text in quotes",
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.DateTimeType: "a moment with its offset from UTC, as 2026-01-01T00:00:00Z",
    inspect.VarTupleType: "a list in [ ]",
    inspect.DictType: "a table",
    inspect.StructType: "a table",
}


def dates_as_text(value: Any) -> Any:
    """The same tables and lists with TOML's local dates as text, which is how the policy keeps days."""
    if isinstance(value, Mapping):
        return {key: dates_as_text(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [dates_as_text(one) for one in value]
    is_day = isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)
    return value.isoformat() if is_day else value


def check_shape(value: Any, type_: type[msgspec.Struct]) -> None:
    """Raise PolicyError at the first value that is not what a struct type asks for; paths begin below it."""
    _check(value, inspect.type_info(type_), "")


def _check(value: Any, kind: inspect.Type, path: str) -> None:
    if isinstance(kind, inspect.UnionType):
        if value is None and any(isinstance(one, inspect.NoneType) for one in kind.types):
            return
        # the policy has no unions but "something or nothing"
        kind = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
    if isinstance(kind, inspect.LiteralType):
        _check_literal(value, kind, path)
    elif not _holds(value, kind):
        raise PolicyError(f"{_name(path)} must be {_EXPECTED[type(kind)]}, not {_shown(value)}", path)
    elif isinstance(kind, inspect.StructType):
        _check_struct(value, kind, path)
    elif isinstance(kind, inspect.DictType):
        for key, one in value.items():
            where = f"{path}.{path_key(key)}"
            if isinstance(kind.key_type, inspect.IntType) and not str(key).isdecimal():
                raise PolicyError(f"{_name(where)} must have a whole number for its key", where)
            _check(one, kind.value_type, where)
    elif isinstance(kind, inspect.VarTupleType):
        for at, one in enumerate(value):
            _check(one, kind.item_type, f"{path}[{at}]")


def _check_struct(table: Mapping[str, Any], kind: inspect.StructType, path: str) -> None:
    fields = {field.name: field for field in kind.fields}
    for key, value in table.items():
        where = f"{path}.{path_key(key)}".lstrip(".")
        if key not in fields:
            raise PolicyError(f"{_name(path)} has no key {key!r}: {choices(key, tuple(fields))}", where)
        _check(value, fields[key].type, where)
    for name, field in fields.items():
        if field.required and name not in table:
            raise PolicyError(f"{_name(path)} needs {name}", path)


def _check_literal(value: Any, kind: inspect.LiteralType, path: str) -> None:
    if not any(value == one and type(value) is type(one) for one in kind.values):
        known = [str(one) for one in kind.values]
        raise PolicyError(f"{_name(path)} cannot be {_shown(value)}: {choices(str(value), known)}", path)


def _holds(value: Any, kind: inspect.Type) -> bool:
    match kind:
        case inspect.StrType():
            return isinstance(value, str)
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            return isinstance(value, int) and not isinstance(value, bool)
        case inspect.FloatType():
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case inspect.DateTimeType():
            return isinstance(value, datetime.datetime) or (isinstance(value, str) and _is_moment(value))
        case inspect.VarTupleType():
            return isinstance(value, list | tuple)
        case inspect.DictType() | inspect.StructType():
            return isinstance(value, Mapping)
    return True


def _is_moment(text: str) -> bool:
    try:
        msgspec.convert(text, datetime.datetime)
    except msgspec.ValidationError:
        return False
    return True


def _name(path: str) -> str:
    return f"policy.{path}" if path else "policy"


def _shown(value: Any) -> str:
    match value:
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return repr(value) if len(repr(value)) <= 80 else f"{repr(value)[:80]}..."
    return f"a {type(value).__name__}"
