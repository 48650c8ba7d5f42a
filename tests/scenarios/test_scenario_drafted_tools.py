"""A drafted manifest in use: for schemas of every keyword, values go over card, edit form and approval and come back to the byte."""

from __future__ import annotations

from support.office import Office
from support.schemas import BY_KEYWORD

from policies.drafting import tools
from policies.drafting.draft import Draft, draft
from policies.files.manifest import load_manifest
from tests.tools import journey

# What the form cannot give back by itself, and says so: names that no field can carry, blanks at the ends, lists of lists.
WITHOUT_A_FIELD = {"nothing"}


def drafts() -> dict[str, Draft]:
    """A tool for each keyword."""
    return {
        name: draft([tools.read({"name": "set_it", "inputSchema": schema})], source="a test", server=f"t{number}")
        for number, (name, (schema, _)) in enumerate(BY_KEYWORD.items())
    }


def test_values_of_every_keyword_come_back_to_the_byte(closed_office: Office) -> None:
    """Whatever the schema says, what was asked is what the form gives back untouched and what the claim gives."""
    made = drafts()
    closed_office.manifest.write_text(journey.manifest(made), encoding="utf-8")
    closed_office.open()
    wrong = []
    for name, one in made.items():
        (action,) = load_manifest(one.text).file.actions
        for value in BY_KEYWORD[name][1]:
            way = journey.walk(closed_office, action, value)
            if not way.claimed or way.form in ("changed", "refused"):
                wrong.append(f"{name}: {way}")
    assert wrong == []
