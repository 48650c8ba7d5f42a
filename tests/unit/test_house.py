"""The layout keeps what docs/design.md and docs/rules.md say of it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.house import citations, code

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| ([A-GI]\d{1,2}) \| .+ \| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)


def test_every_citation_leads_to_a_rule() -> None:
    """An id of a rule stands with the link to docs/rules.md, is published there, and no paper is cited that is not here."""
    assert citations.dangling(ROOT) == []


def test_every_rule_names_a_module_and_a_test_that_exist() -> None:
    """Each row of docs/rules.md says which module holds the rule and which test fails without it."""
    rows = ROW.findall((ROOT / "docs" / "rules.md").read_text(encoding="utf-8"))
    assert {rule for rule, _, _ in rows} == citations.rules(ROOT)
    assert [path for _, module, test in rows for path in (module, test) if not (ROOT / path).exists()] == []


def test_no_two_rooms_lean_on_each_other() -> None:
    """Between the server's rooms every arrow goes one way."""
    arrows = code.arrows(code.modules(ROOT))
    assert {pair for pair in code.backward(arrows) if pair[0].startswith("bot.")} == set()
