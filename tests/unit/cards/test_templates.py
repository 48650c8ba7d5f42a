"""Templates cannot forget to escape: those that try are refused before a card is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from bot.render import batch_card, blocks, cards, home, modal_parts, notices, queues, quoted_text
from bot.render.visible_text import Mrkdwn
from bot.server import startup_check


def test_every_template_is_sound() -> None:
    """All shipped templates compile and keep the rules."""
    assert {"card", "modal", "batch", "home", "notice", "queue", "moved", "words"} <= set(blocks.check_templates())


def test_the_rehearsal_draws_every_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check at the server's start draws every template, not only compiles it."""
    drawn = set()
    original = blocks.render

    def render(name: str, context: dict[str, object]) -> object:
        drawn.add(name)
        return original(name, context)

    for module in (cards, quoted_text, notices, batch_card, queues, home, modal_parts):
        monkeypatch.setattr(module, "render", render)
    assert set(startup_check.check_all()) == drawn


def test_the_rehearsal_stops_a_template_that_slack_would_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card too large for Slack, or with a block id twice, stops the start."""
    monkeypatch.setattr(startup_check, "MESSAGE_BYTES", 500)
    with pytest.raises(blocks.TemplateFault, match="too large"):
        startup_check.check_all()
    monkeypatch.undo()
    with pytest.raises(blocks.TemplateFault, match="twice"):
        startup_check._blocks([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}], "x")
    with pytest.raises(blocks.TemplateFault, match="x: "):
        startup_check._blocks(
            [{"type": "header", "block_id": "a", "text": {"type": "plain_text", "text": "y" * 200}}], "x"
        )


@pytest.mark.parametrize(
    "source",
    [
        '[{"type": "section", "text": "Hello {{ name }}"}]',
        '[{"block_id": "x-{{ name }}"}]',
        '[{"text": {"type": "mrkdwn", "text": {{ name }}}}]',
        '[{"type": "plain_text", "text": {{ name }}}]',
        '[{"type": "markdown", "text": {{ name }}}]',
        '[{"a": "{% if name %}b{% endif %}"}]',
        '[{"verbatim": false}]',
        '[{"type": "text", "text": {{ name }}}]',
    ],
)
def test_a_careless_template_is_refused(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value inside a JSON string, or a text object written by hand, is a fault that names the template."""
    (tmp_path / "bad.json.j2").write_text(source, encoding="utf-8")
    monkeypatch.setattr(blocks, "TEMPLATES", tmp_path)
    with pytest.raises(blocks.TemplateFault, match="bad, line 1"):
        blocks.check_templates()


@pytest.mark.parametrize(
    "source, context, wanted",
    [
        ("{{ x }}", {"x": '"], "y": <@U1>'}, '"\\"], \\"y\\": <@U1>"'),
        ("{{ x }}", {"x": "a\u202eb"}, '"a\\u2039U+202E\\u203ab"'),
        ("{{ mrkdwn(x) }}", {"x": "<!here>"}, '{"type": "mrkdwn", "text": "&lt;!here&gt;", "verbatim": true}'),
        ("{{ plain(x, 3) }}", {"x": "abcdef"}, '{"type": "plain_text", "text": "ab\\u2026", "emoji": false}'),
        ("{{ x }}", {"x": True}, "true"),
        ("{{ x }}", {"x": None}, "null"),
    ],
)
def test_values_become_json(source: str, context: dict[str, object], wanted: str) -> None:
    """Whatever stands in a hole is written as JSON, escaped for where it stands."""
    assert blocks._environment().from_string(source).render(context) == wanted


@pytest.mark.parametrize("value", [Mrkdwn("*x*"), {"type": "mrkdwn"}, ["x"], object()])
def test_structures_and_markup_do_not_slip_through(value: object) -> None:
    """Only scalars stand in a hole by themselves: a structure or mark-up needs its helper."""
    with pytest.raises(blocks.TemplateFault):
        blocks._environment().from_string("{{ x }}").render({"x": value})


def test_a_missing_value_is_an_error() -> None:
    """A hole that nobody fills is an error, never an empty text."""
    with pytest.raises((UndefinedError, blocks.TemplateFault)):
        blocks._environment().from_string("{{ nothing }}").render({})
