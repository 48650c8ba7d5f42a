"""What a reviewer sees of one approval (docs/rules.md: D1), and what they can press."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.pace import in_time

from bot.acts.registry import approval_card, form
from bot.render import blocks as blocks_module
from bot.render import cards, parameters, quoted_text
from bot.render.message import Sent
from policies.approval import Approval, Decided, InfoRequest, Undo, Vote
from policies.deadlines import Clock
from policies.edits import Edit
from policies.files.policy import unknown
from policies.lifecycle import GRANTED, State
from policies.messages import Face
from policies.paths import walk
from policies.routing import Level
from tests.unit.cards.looking import buttons, everything, faults, live_marks, objects
from tests.unit.cards.samples import FULL_REQUEST, NOW, approval, decided

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60)
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXT, inner, max_size=6), max_leaves=40
)
PARAMS = st.dictionaries(TEXT, JSON, max_size=12)
STATE = st.sampled_from(list(State))
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def leaf_lines(found: Approval) -> tuple[list[str], int]:
    """The lines of the parameters on a card that begin a leaf, and how many leaves the card counts as missing."""
    parts = [part for part in approval_card(found).blocks if part["block_id"].startswith("parameters-")]
    elements = [(item["type"], item["elements"][0]["text"]) for part in parts for item in part["elements"]]
    code = [text for kind, text in elements if kind == "rich_text_preformatted" and text != "…"]
    lines = [line for text in code for line in text.split("\n") if not line.startswith("  │ ")]
    tail = next((text for kind, text in elements if kind == "rich_text_section"), "")
    missing = int(tail.split()[1]) if tail.startswith("and ") else 0
    return lines, missing


def sentence_on(found: Approval) -> str:
    """The sentence as it stands on a card."""
    top = approval_card(found).blocks[0]
    return str(top["text"]["text"] if top["type"] == "header" else top["elements"][0]["elements"][0]["text"])


@SLOW
@given(params=PARAMS)
def test_every_leaf_is_on_the_card_or_counted(params: dict[str, Any]) -> None:
    """Whatever the parameters, each leaf has a line of its own or is counted, and Slack takes the card."""
    found = approval(params)
    lines, missing = leaf_lines(found)
    total = len(list(walk(params))) if params else 0
    assert len(lines) + missing == total
    assert faults(approval_card(found).blocks) == []
    if missing:
        assert cards.needs_full_view(found)


TRICKY = (
    st.sampled_from(
        [
            *[
                4800,
                4800.0,
                "4800",
                "$4,800",
                "4,800",
                48,
                12.5,
                "12.5",
                "$12.50",
                True,
                "yes",
                None,
                "nothing",
                "",
                [],
                {},
            ],
            *["alice@x.com", "alice", "alice@x.com, as agreed", "Bob", "a", "to", "Refund", "alice ", " alice", "а"],
            *[
                "#7",
                "7",
                "a\u202eb",
                "a\nb",
                "x" * 200,
                ["alice"],
                [4800],
                {"name": "alice"},
                "alice@x.com.",
                "(a)",
                -5,
            ],
        ]
    )
    | TEXT
)
TOLD = st.fixed_dictionaries({"customer": TRICKY, "amount_usd": TRICKY}, optional={"order_id": TRICKY, "to": TRICKY})
SENTENCES = st.sampled_from(
    [
        "Refund {{ params.amount_usd | usd }} to {{ params.customer }}",
        "Refund {{ params.amount_usd }} to {{ params.customer }}{% if params.order_id %} for {{ params.order_id }}{% endif %}",
        "{{ params.customer }}{{ params.amount_usd }}",
        "{{ params.customer }}: {{ params.amount_usd | default('none') }}, {{ params.to | default('alice') }}",
        "Refund {{ params.customer | lower }} ({{ params.customer | length }})",
        "{% for one in params.customer %}{{ one }} {% endfor %}got {{ params.amount_usd }}",
        "To {{ params.customer | first }} and {{ params.amount_usd | string | truncate(4) }}",
    ]
)


def on_card(found: Approval) -> str:
    """All that a card says of the parameters: the sentence and the lines beneath."""
    parts = [part for part in approval_card(found).blocks if part["block_id"].startswith("parameters-")]
    return f"{sentence_on(found)}\n{everything(parts)}"


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(one=TOLD, other=TOLD, describe=SENTENCES)
def test_cards_of_different_requests_look_different(one: dict[str, Any], other: dict[str, Any], describe: str) -> None:
    """Whatever its sentence tells, no card stands for two requests: a value or its type that differs is seen, or counted."""
    first, second = approval(one, rules={"describe": describe}), approval(other, rules={"describe": describe})
    if any(cards.needs_full_view(found) for found in (first, second)):
        return
    if json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True):
        assert on_card(first) != on_card(second)


@pytest.mark.parametrize(
    ("customer", "listed"),
    [
        ("alice@x.com", False),
        ("alice@x.com, as agreed with Bob", True),
        ("Alice Moss", True),
        ("4800", True),
        ("yes", True),
        ("аlice@x.com", True),
        ("אליס", True),
        ("alice@x.com.", True),
        ("a\u200bb", True),
    ],
)
def test_the_sentence_tells_only_what_nobody_can_misread(customer: str, listed: bool) -> None:
    """A value needs no line of its own where the sentence prints it apart, whole and unmistakable; in doubt it has one."""
    lines, _ = leaf_lines(approval({"customer": customer, "amount_usd": 4800, "order_id": "A-1009"}))
    assert any(line.startswith("customer:") for line in lines) == listed
    assert any(line.startswith("order_id:") for line in lines)


def test_a_value_that_only_repeats_the_words_is_listed() -> None:
    """A parameter that the sentence does not print has its line, though its value stands in the sentence by chance."""
    lines, _ = leaf_lines(
        approval({"customer": "alice", "amount_usd": 4800, "note": "Refund", "other": "alice", "n": 4800})
    )
    assert [line.split(":")[0] for line in lines] == ["note", "other", "n"]


@SLOW
@given(values=st.lists(SCALAR, min_size=1, max_size=8))
def test_different_values_look_different(values: list[Any]) -> None:
    """Two values that differ, in content or only in type, never look the same."""
    shown = [str(parameters.value_text(parameters.Leaf(("x",), value))) for value in values]
    wanted = [json.dumps(value) for value in values]
    assert len(set(shown)) == len(set(wanted))


def test_types_can_be_told_apart() -> None:
    """Numbers, texts, booleans, null and empty values each look like what they are."""
    params = {
        "a": 1,
        "b": "1",
        "c": 1.0,
        "d": True,
        "e": "true",
        "f": None,
        "g": "",
        "h": [],
        "i": {},
        "j": 0,
        "k": False,
    }
    lines, _ = leaf_lines(approval(params))
    assert [line.split(": ")[1] for line in lines] == [
        "1",
        '"1"',
        "1.0",
        "true",
        '"true"',
        "null",
        '""',
        "[]",
        "{}",
        "0",
        "false",
    ]


def test_paths_are_unambiguous() -> None:
    """A dot inside a name does not look like nesting."""
    lines, _ = leaf_lines(approval({"a": {"b": 1}, "a.b": 2, "list": [{"x": 3}], "0": 4}))
    assert [line.split(":")[0] for line in lines] == ["a.b", '["a.b"]', "list[0].x", '["0"]']


def test_a_thousand_leaves_are_counted() -> None:
    """Of 1,000 values the card shows what fits and counts the rest; Approve asks for the full view."""
    found = approval({f"k{index}": index for index in range(1000)})
    lines, missing = leaf_lines(found)
    assert len(lines) == 40
    assert len(lines) + missing == 1000
    approve = buttons(approval_card(found).blocks)["approve"]
    assert approve["text"]["text"] == "Review & approve"
    assert "confirm" not in approve


def test_a_long_text_is_cut_and_said_so() -> None:
    """A text of 64 KB shows its beginning and how much is missing, and does not hide the other parameters."""
    found = approval({"body": "word " * 13_000, "amount_usd": 4800})
    shown = everything(approval_card(found).blocks)
    assert "characters)" in shown
    assert "1 value is shown in part" in shown
    assert "amount_usd: 4800" in shown
    assert cards.needs_full_view(found)


def test_an_ordinary_card_says_what_counts_in_ten_lines() -> None:
    """Sentence, stakes, amount, time, turn, reason, the other parameters and why policy asks; all else is in Details."""
    found = approval(request=FULL_REQUEST)
    message = approval_card(found)
    shown = everything(message.blocks)
    for words in (
        "Refund $4,800 to alice@x.com",
        "🔴 Can't be undone · $4,800 · ",
        "Due 2026-03-02 14:15 UTC",
        "<@U0ALICE>",
        "The parcel was lost twice",
        'order_id: "A-1009"',
        "Needs approval: over $500, irreversible",
        "Asked by refund-bot",
        "carol@example.com",
        "support-desk",
    ):
        assert words in shown, words
    for words in ("parcel may still arrive", "93% sure", "Looked up", "financial", "actions.yml", found.digest[:12]):
        assert words not in shown, words
    assert faults(message.blocks) == []
    assert message.metadata == {"event_type": "sayso_card", "event_payload": {"approval_id": found.id}}


def test_details_say_everything_a_reviewer_may_want() -> None:
    """What the short card leaves out stands in Details: evidence, risks, alternatives, steps, every reason, roles and digest."""
    found = approval(request=FULL_REQUEST)
    shown = everything(form("details", found))
    for words in (
        "High severity",
        "Cannot be undone",
        "financial",
        "fewest open of 2 in finance",
        "finance_lead",
        "2026-03-02 15:00 UTC",
        "75%",
        "✗\u00a0consistency 0.72",
        "$4,800 is above $500 (always_approve_above_usd)",
        "93% sure",
        "The parcel may still arrive",
        "Send it again",
        "within 3 days",
        "Looked up the order",
        "not traced",
        "0f3a9c1b2d4e",
        found.digest,
        found.id,
    ):
        assert words in shown, words


def test_a_notification_says_what_is_asked_and_how_long_there_is() -> None:
    """Verb, sentence, stakes, minutes left and agent; what people are asked for is another verb."""
    found = approval()
    text = approval_card(found, sent=Sent(NOW)).text
    assert text == "Approve? Refund $4,800 to alice@x.com · can't be undone · 15 min left · asked by refund-bot"
    asked = approval(request={"kind": "input", "question": "What shall I write?"})
    assert approval_card(asked, sent=Sent(NOW)).text.startswith("Answer: ")
    assert approval_card(replace(found, level=Level.HUMAN_TAKEOVER), sent=Sent(NOW)).text.startswith("Take over? ")
    late = approval_card(found, sent=Sent(NOW + timedelta(minutes=14, seconds=31))).text
    assert "29 s left" in late
    hostile = replace(found, agent="<!channel> <@U0BOB>")
    assert "<" not in approval_card(hostile, sent=Sent(NOW)).text


def test_the_agents_words_stand_in_quotes_only() -> None:
    """What the agent says is never in a header, a fact or a reason of policy, and always quoted under a label."""
    marks = {name: f"MARK{name}" for name in ("reason", "expected_outcome", "confidence_basis")}
    lists = {name: [f"MARK{name}"] for name in ("risks", "alternatives", "completed_steps", "uncertainty_factors")}
    message = approval_card(approval(request={**marks, **lists, "confidence": 0.5}))
    for part in message.blocks:
        if not part["block_id"].startswith("agent-"):
            assert "MARK" not in json.dumps(part)
            continue
        for element in part["elements"]:
            quoted = element["type"] == "rich_text_quote" or element.get("border") == 1
            assert quoted or "MARK" not in json.dumps(element)
        assert json.dumps(part).count("MARK") == 1


def test_only_the_person_whose_turn_it_is_is_mentioned() -> None:
    """A live card mentions its assignee and nobody else, whoever asked or said yes before."""
    found = approval(rules={"approvers": 2}, info_request=InfoRequest("Why?", "U0CAROL", NOW))
    for votes in ((), (Vote("U0BOB", "finance", NOW),)):
        message = approval_card(replace(found, votes=votes), sent=Sent(names={"U0BOB": "bob"}.get))
        marks = {mark for mark in live_marks(message.blocks) if not mark.startswith("!date")}
        assert marks == {"@U0ALICE"}


@pytest.mark.parametrize("state", [state for state in State if state is not State.PENDING])
def test_nobody_is_mentioned_on_what_they_decided(state: State) -> None:
    """A decided card names who decided, undid or changed it and mentions nobody."""
    found = replace(
        decided(state, Decided.APPROVED), undo=Undo("U0CAROL", NOW), edits=(Edit("U0BOB", NOW, None, {}, False),)
    )
    people = {"U0BOB": "Bob", "U0CAROL": "Carol"}
    for card in (
        approval_card(found, sent=Sent(names=people.get)),
        approval_card(found, sent=Sent(names=people.get), undo_until=NOW),
    ):
        assert [mark for mark in live_marks(card.blocks) if not mark.startswith("!date")] == []
        assert "Bob" in everything(card.blocks)
        assert "Carol" in everything(card.blocks)


def test_a_quorum_shows_its_progress_and_names() -> None:
    """The card counts seats that are taken, Details role by role and with names; a second yes of one role takes no other's seat."""
    rules = {"approvers": {"finance": 1, "legal": 1, "sales": 1}}
    votes = tuple(Vote(user, "finance", NOW) for user in ("U0BOB", "U0CAROL"))
    found = approval(rules=rules, votes=votes)
    assert "1 of 3 approvals" in everything(approval_card(found).blocks)
    shown = everything(form("details", found))
    assert "1 of 3 given · finance 1/1, legal 0/1, sales 0/1" in shown
    assert "Yes from <@U0BOB>, <@U0CAROL>" in shown
    many = tuple(Vote(f"U0{number}", "finance", NOW) for number in range(8))
    crowded = approval(rules={"approvers": 9}, votes=many)
    assert "8 of 9 approvals" in everything(approval_card(crowded).blocks)
    assert "<@U04> and 3 more" in everything(form("details", crowded))
    assert faults(approval_card(crowded).blocks) == []


def test_a_confirm_card_has_the_usual_buttons() -> None:
    """Approve, Reject, Edit and ⋯, behind which are Details, Ask, Take over and Escalate, each with id and digest."""
    found = approval()
    pressed = buttons(approval_card(found).blocks)
    assert list(pressed) == ["approve", "reject", "edit", "overflow"]
    value = f"{found.id}|{found.digest}"
    assert {item["value"] for name, item in pressed.items() if name != "overflow"} == {value}
    behind = [item["value"] for item in pressed["overflow"]["options"]]
    assert behind == [f"{verb}:{value}" for verb in ("details", "request_info", "take_over", "escalate")]
    assert all(len(item) <= 150 for item in behind)
    assert cards.read_value(pressed["approve"]["value"]) == (found.id, found.digest)


def test_what_cannot_be_undone_asks_once_more() -> None:
    """Approve on an irreversible action opens a dialog that repeats the sentence; on a reversible one it does not."""
    dialog = buttons(approval_card(approval()).blocks)["approve"]["confirm"]
    assert dialog["text"]["text"] == "Refund $4,800 to alice@x.com"
    assert "confirm" not in buttons(approval_card(approval({"branch": "x"}, action="delete_branch")).blocks)["approve"]


def test_a_large_amount_has_to_be_typed() -> None:
    """Above confirm_amount_above_usd Approve opens the review, at the threshold it does not."""
    assert cards.needs_full_view(approval({"customer": "a", "amount_usd": 100_001}))
    assert not cards.needs_full_view(approval({"customer": "a", "amount_usd": 100_000}))


def test_a_takeover_cannot_be_approved() -> None:
    """At level human_takeover there is no Approve and Take over comes first."""
    pressed = buttons(approval_card(approval(level=Level.HUMAN_TAKEOVER)).blocks)
    assert "approve" not in pressed
    assert next(iter(pressed.values()))["action_id"] == "take_over"
    assert pressed["take_over"]["style"] == "primary"


def choices(count: int, label: str = "Option {}") -> dict[str, Any]:
    """A `choose` request."""
    options = [{"id": f"c{index}", "label": label.format(index), "detail": "cheap"} for index in range(count)]
    return {"kind": "choose", "question": "Which one?", "choices": options}


@pytest.mark.parametrize(
    "count, label, wanted",
    [
        (3, "Option {}", "choose:c0"),
        (12, "Option {}", "choose"),
        (3, "x" * 60 + "{}", "choose"),
        (100, "Option {}", "choose"),
    ],
)
def test_choices_are_buttons_a_menu_or_a_modal(count: int, label: str, wanted: str) -> None:
    """Few short choices are buttons, more a menu, and what fits neither a button that opens all."""
    message = approval_card(approval({"branch": "x"}, action="delete_branch", request=choices(count, label)))
    assert wanted in buttons(message.blocks)
    assert "approve" not in buttons(message.blocks)
    assert faults(message.blocks) == []
    assert "Which one?" in everything(message.blocks)


def test_a_menu_offers_exactly_the_choices() -> None:
    """The menu's values are the choice ids, and picking one asks once more."""
    menu = buttons(approval_card(approval(request=choices(8))).blocks)["choose"]
    assert [item["value"] for item in menu["options"]] == [f"c{index}" for index in range(8)]
    assert menu["confirm"]["title"]["text"] == "This cannot be undone"


def test_an_open_question_is_answered_in_a_modal() -> None:
    """Kind input offers Answer instead of Approve and shows the question."""
    message = approval_card(approval(request={"kind": "input", "question": "What shall I write?"}))
    assert "answer" in buttons(message.blocks)
    assert "approve" not in buttons(message.blocks)
    assert "What shall I write?" in everything(message.blocks)


@pytest.mark.parametrize("state", [state for state in State if state is not State.PENDING])
def test_settled_cards_are_dead(state: State) -> None:
    """A settled card is two lines with Details and nothing else to press, but for handing back what was taken over."""
    message = approval_card(decided(state, Decided.APPROVED, note="Checked by phone"))
    assert list(buttons(message.blocks)) == ["details", *(["hand_back"] if state is State.TAKEN_OVER else [])]
    shown = everything(message.blocks)
    assert len(message.blocks) == (3 if state is State.TAKEN_OVER else 2)
    assert "Refund $4,800 to alice@x.com" in shown
    assert "Checked by phone" in shown
    assert "<@U0BOB>" in shown
    assert faults(message.blocks) == []


def test_undo_is_offered_within_its_window() -> None:
    """With an undo window a finished action offers Undo and says until when."""
    found = decided(State.SUCCEEDED, Decided.APPROVED, by="policy")
    message = approval_card(found, undo_until=NOW + timedelta(minutes=5))
    assert list(buttons(message.blocks)) == ["details", "undo"]
    assert "2026-03-02 14:05 UTC" in everything(message.blocks)


def test_a_moved_card_is_one_line_without_buttons() -> None:
    """The old card of a reassigned approval says where it went."""
    message = approval_card(approval(), face=Face.MOVED, moved_to="U0BOB")
    assert buttons(message.blocks) == {}
    assert len(message.blocks) == 2
    assert "Moved to <@U0BOB>" in everything(message.blocks)
    assert faults(message.blocks) == []


def test_waiting_for_information_is_said() -> None:
    """While the agent is asked something, the card shows the question and that the clock stands still, and cannot ask again."""
    clock = Clock(due_at=NOW, expires_at=NOW, paused_at=NOW)
    found = approval(info_request=InfoRequest("Which order?", "U0ALICE", NOW), clock=clock)
    shown = everything(approval_card(found).blocks)
    assert "Waiting for the agent's answer" in shown
    assert "Which order?" in shown
    assert "Deadline paused" in shown
    behind = buttons(approval_card(found).blocks)["overflow"]["options"]
    assert not any(item["value"].startswith("request_info") for item in behind)
    answered = replace(found, info_request=None, exchange=(("Which order?", "A-1009"),), clock=Clock())
    assert "The agent answered" in everything(approval_card(answered).blocks)


def test_an_edit_shows_before_and_after() -> None:
    """Changed parameters are shown as they were and as they are."""
    found = decided(State.EDITED, Decided.EDITED)
    found = replace(found, params={**found.params, "amount_usd": 480})
    assert "amount_usd: 4800 → 480" in everything(approval_card(found).blocks)
    told = everything(form("details", replace(found, request=approval(request=FULL_REQUEST).request)))
    assert "The agent expected before the change" in told
    assert "The agent expects" not in told
    both = replace(found, params={**found.params, "amount_usd": 480, "customer": "b"})
    assert "2 values changed" in everything(approval_card(both).blocks)


def test_secrets_are_fingerprints_everywhere() -> None:
    """A redacted parameter appears nowhere on the card, not in the sentence, the reason or the fallback."""
    secret = "4000-0566-5566-5556"
    params = {"customer": f"card {secret}", "amount_usd": 5, "card_number": secret, "password": "hunter2hunter2"}
    found = approval(params, request={"reason": f"paid with {secret}, password hunter2hunter2"})
    message = approval_card(found)
    everywhere = json.dumps(message.blocks) + message.text
    assert secret not in everywhere
    assert "hunter2" not in everywhere
    assert "(sha256 " in everywhere
    assert "19 characters" in everywhere


def test_block_ids_are_unique_and_change_with_the_version() -> None:
    """No block id comes twice, and a new version has none of the old ones."""
    found = approval(request=FULL_REQUEST)
    first = [item["block_id"] for item in approval_card(found).blocks]
    second = [item["block_id"] for item in approval_card(replace(found, version=4)).blocks]
    assert len(set(first)) == len(first)
    assert not set(first) & set(second)


@pytest.mark.parametrize("policy_known", [True, False])
@pytest.mark.parametrize("state", list(State))
def test_every_state_draws(state: State, policy_known: bool) -> None:
    """Every state has a card and a notice of every kind, with a policy and without."""
    found = approval(state=state, request=FULL_REQUEST)
    found = found if policy_known else replace(found, policy=unknown(found.action), level=None)
    assert faults(approval_card(found).blocks) == []
    for kind in cards.Notice:
        assert faults(cards.notice(kind, found, link="https://x.example/p1", undo_until=NOW).blocks) == []


def test_the_room_around_quotes_is_reckoned_right() -> None:
    """What a group, an item and a line cost in bytes is never more than the constants say."""
    shown, label, more = blocks_module.Shown("y"), "x" * 45, "z" * 60

    def bytes_of(*groups: quoted_text.Group) -> int:
        return blocks_module.size(quoted_text.words("agent-outcome_unknown-33", list(groups)))

    for quote in (True, False):
        group = quoted_text.Group(label, [shown], quote, more)
        assert bytes_of(group) <= 2 * quoted_text.GROUP_COST + quoted_text.ITEM_COST
        assert bytes_of(group, group) - bytes_of(group) <= quoted_text.GROUP_COST + quoted_text.ITEM_COST
    two = quoted_text.Group(label, [shown] * 2, False, more)
    assert bytes_of(two) - bytes_of(quoted_text.Group(label, [shown], False, more)) <= quoted_text.ITEM_COST
    lines = [quoted_text.Group(label, [shown] * count, True, more, ["Unsure about: "] * count) for count in (0, 1, 2)]
    assert bytes_of(lines[0]) <= 2 * quoted_text.GROUP_COST
    assert bytes_of(lines[2]) - bytes_of(lines[1]) <= quoted_text.LINE_COST


def test_who_came_too_late_is_told_who_was_first() -> None:
    """The loser of a race reads who decided what, and when."""
    found = decided(State.APPROVED, Decided.APPROVED)
    assert cards.settled_sentence(found).startswith("Already approved by <@U0BOB>, <!date^")
    assert cards.outcome_line(decided(State.REJECTED, Decided.REJECTED, note="too much")).endswith("· too much")
    assert State.APPROVED in GRANTED


def test_what_nobody_claimed_was_approved_all_the_same() -> None:
    """Approved and then not claimed in time, it says both: nobody reads that the reviewer let it expire."""
    unclaimed = cards.outcome_line(decided(State.EXPIRED, Decided.APPROVED))
    assert unclaimed.startswith("Expired · Approved by <@U0BOB>, <!date^")
    assert cards.outcome_line(decided(State.EXPIRED, Decided.EXPIRED, by="policy")).startswith("Expired by policy,")


def test_cards_are_fast() -> None:
    """A card takes milliseconds of processor time, and 1,000 leaves not ten times as long (`make bench` has the figures)."""
    small, large = approval(request=FULL_REQUEST), approval({f"k{index}": f"value {index}" for index in range(1000)})
    for found, limit in ((small, 0.02), (large, 0.1)):
        assert in_time(partial(approval_card, found), limit)


def test_nothing_is_read_from_the_future() -> None:
    """Drawing twice gives the same card: no clock, no randomness."""
    found = approval(request=FULL_REQUEST)
    assert approval_card(found) == approval_card(found)
    assert all(item.get("block_id") for item in approval_card(found).blocks)
    assert list(objects(approval_card(found).blocks))
