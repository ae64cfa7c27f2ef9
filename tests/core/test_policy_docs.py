"""Policies that are written down to be copied can be used, and every key is explained."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from metrics_core.policy import Policy
from metrics_core.policy.calendars import CalendarSpec
from metrics_core.policy.version import ComplaintMarks, Hours, SlaPolicy, Version

ROOT = Path(__file__).parents[2]
DEPLOYED = ROOT / "deploy" / "deskpulse.toml"
STRUCTS = (Policy, Version, CalendarSpec, Hours, SlaPolicy, ComplaintMarks)


def examples() -> list[str]:
    intro = (ROOT / "docs" / "configuration.intro.md").read_text(encoding="utf-8")
    return re.findall(r"^```toml\n(.*?)^```", intro, re.MULTILINE | re.DOTALL)


def full_example() -> Policy:
    return Policy.parse(tomllib.loads(max(examples(), key=len))["policy"])


@pytest.mark.parametrize("text", [*examples(), DEPLOYED.read_text(encoding="utf-8")])
def test_a_policy_that_is_written_down_can_be_used(text: str) -> None:
    assert Policy.parse(tomllib.loads(text)["policy"]).versions


def test_the_full_example_uses_every_key() -> None:
    policy = full_example()
    newest = policy.newest
    values = (policy, newest, newest.calendars["munich"], newest.hours[0], newest.sla[0], newest.complaints)
    left_out = [
        f"{type(value).__name__}.{name}"
        for value in values
        for name, given in msgspec.structs.asdict(value).items()
        if given in (None, (), {}) and name not in ("tenant", "priorities")
    ]
    # an entry for all channels has none; another says which
    assert left_out == ["SlaPolicy.channels"]


def test_the_deployed_policy_says_the_defaults_and_no_other() -> None:
    """Else the comments beside them would not be true, and who leaves the file out would count otherwise."""
    assert Policy.parse(tomllib.loads(DEPLOYED.read_text(encoding="utf-8"))["policy"]) == Policy()


def test_what_is_commented_out_of_the_deployed_policy_can_be_used() -> None:
    lines = DEPLOYED.read_text(encoding="utf-8").splitlines()
    keys = re.compile(r"# (\[|\w+ = )")
    text = "\n".join(line[2:] if keys.match(line) else line for line in lines)
    policy = Policy.parse(tomllib.loads(text)["policy"])
    assert policy.newest.hours[0].calendar in policy.newest.calendars


def test_every_key_is_explained_in_the_docs() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    missing = [
        f"{struct.__name__}.{name}"
        for struct in STRUCTS
        for name in struct.__struct_fields__
        if not re.search(rf"^\| `{name}` \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE)
    ]
    assert not missing


def test_the_page_of_settings_is_what_the_program_says() -> None:
    program = (
        "import sys; sys.path.insert(0, 'docs'); import generate;"
        "[page] = [page for page in generate.pages() if page.name == 'configuration.md'];"
        "sys.exit(generate.pages()[page] != page.read_text(encoding='utf-8'))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 0, "run `make generate`"
