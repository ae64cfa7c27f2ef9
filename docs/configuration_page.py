"""The page of settings: every setting, and every key of the policy, with its default and what it is."""

from __future__ import annotations

import inspect
import re

import msgspec

from metrics_core.policy import Goals, Policy
from metrics_core.policy.calendars import CalendarSpec
from metrics_core.policy.version import ComplaintMarks, Hours, SlaPolicy, Version
from streams.settings import Settings

#: tables of the policy as they are written, and what holds their keys
_POLICY_TABLES = (
    ("[policy]", Policy),
    ("[policy.goals]", Goals),
    ("[[policy.versions]]", Version),
    ("[policy.versions.calendars.NAME]", CalendarSpec),
    ("[[policy.versions.hours]]", Hours),
    ("[[policy.versions.sla]]", SlaPolicy),
    ("[policy.versions.complaints]", ComplaintMarks),
)
_HEAD = "| {} | default | what it is |\n|---|---|---|"


def configuration_page(intro: str) -> str:
    """The page; ``intro`` is what comes before the tables."""
    lines = [intro, "## Settings\n\n" + _HEAD.format("setting")]
    for name, setting in Settings.model_fields.items():
        default = _default(setting.get_default(call_default_factory=True))
        if name == "cache_dir":
            default = "the user's cache folder"
        lines.append(f"| `{name}` | {default} | {setting.description} |")
    lines.append("\n## Keys of the policy")
    for heading, struct in _POLICY_TABLES:
        lines.append(f"\n### `{heading}`\n\n" + _HEAD.format("key"))
        remarks = _remarks(struct)
        for field in msgspec.structs.fields(struct):
            if (struct, field.name) != (Policy, "tenant"):  # a setting
                default = "required" if field.required else _default(_field_default(field))
                lines.append(f"| `{field.name}` | {default} | {remarks[field.name]} |")
    return "\n".join(lines) + "\n"


def _remarks(struct: type) -> dict[str, str]:
    """What the comments above the fields of a struct and of its bases say."""
    remarks: dict[str, str] = {}
    for one in struct.__mro__:
        if one.__module__.startswith("metrics_core."):
            found = re.findall(r"^    #: (.+)\n    (\w+):", inspect.getsource(one), re.MULTILINE)
            remarks |= {name: remark.replace("``", "`") for remark, name in found}
    return remarks


def _field_default(field: msgspec.structs.FieldInfo) -> object:
    factory = field.default_factory
    return field.default if factory is msgspec.NODEFAULT else factory()


def _default(value: object) -> str:
    if value in (None, (), [], {}, ComplaintMarks()):
        return "unset"
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case Goals():
            return "all defaults"
        case (Version(), *_):
            return "one, of all defaults"
        case (SlaPolicy(), *_):
            return ", ".join(f"{one.name}: `first_response_s = {one.first_response_s}`" for one in value)
        case tuple():
            return ", ".join(f"`{one}`" for one in value)
        case dict():
            return ", ".join(f"`{key} = {one}`" for key, one in value.items())
    return f"`{value}`"
