"""Batches, queues and the home tab: many approvals on one surface."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.acts.registry import approval_card
from bot.render import cards
from bot.render.home import Presence, home_view
from playground.blockkit import check_view
from policies.approval import Approval, Decided, Decision, Vote
from policies.files.policy import OnTimeout
from policies.lifecycle import State
from policies.routing import Level
from tests.unit.cards.looking import block, buttons, everything, faults, live_marks, objects
from tests.unit.cards.samples import NOW, approval, decided


def tidy(index: int, params: dict[str, Any] | None = None, **changed: Any) -> Approval:
    """A low-severity request that may share a screen."""
    given = {"what": f"room {index}", "deep": index % 2 == 0} if params is None else params
    return approval(given, action="tidy", id=f"01JV8Q3ZK4W5T6Y7X8R9S0AB{index:02}", digest=f"{index:064x}", **changed)


def test_a_batch_of_ten_fits_one_message() -> None:
    """Ten requests with their exact parameters, tick boxes and Details each are within Slack's limits."""
    batch = [tidy(index, {"what": "x" * 60, "note": "é" * 20, "n": index}) for index in range(10)]
    message = cards.batch_card(batch)
    assert faults(message.blocks) == []
    for index, found in enumerate(batch):
        assert f"n:    {index}" in everything(message.blocks)
        assert block(message.blocks, f"item-{index + 1}")["accessory"]["value"] == f"{found.id}|{found.digest}"
    options = buttons(message.blocks)["batch_select"]["options"]
    assert [item["value"] for item in options] == [found.id for found in batch]
    assert message.metadata["event_payload"] == {"approval_ids": ",".join(found.id for found in batch)}


def test_batch_buttons_carry_what_was_shown() -> None:
    """Approve and Reject name every open approval with its digest."""
    batch = [tidy(index) for index in range(3)]
    pressed = buttons(cards.batch_card(batch).blocks)
    assert cards.read_batch_value(pressed["batch_approve"]["value"]) == {found.id: found.digest for found in batch}
    assert pressed["batch_reject"]["value"] == pressed["batch_approve"]["value"]


def test_a_batch_shows_mixed_outcomes() -> None:
    """A decided one shows how and can no longer be ticked; when all are decided nothing can be pressed."""
    decision = Decision(Decided.APPROVED, "U0BOB", NOW)
    done = tidy(1, state=State.APPROVED, decision=decision)
    message = cards.batch_card([tidy(0), done])
    assert "Approved by <@U0BOB>" in everything(message.blocks)
    assert [item["value"] for item in buttons(message.blocks)["batch_select"]["options"]] == [tidy(0).id]
    finished = cards.batch_card([done, replace(done, id="other")])
    assert set(buttons(finished.blocks)) == set()


def test_what_does_not_fit_is_not_decided_in_a_batch() -> None:
    """A request whose parameters do not all fit, or that is not low, has no tick box."""
    long = tidy(1, {"what": "x" * 3000})
    assert not cards.batchable(long)
    assert not cards.batchable(approval())
    assert not cards.batchable(decided(State.APPROVED, Decided.APPROVED))
    assert cards.batchable(tidy(0))
    message = cards.batch_card([tidy(0), long])
    assert [item["value"] for item in buttons(message.blocks)["batch_select"]["options"]] == [tidy(0).id]
    assert faults(cards.batch_card([tidy(index, {"what": "é" * 3000}) for index in range(10)]).blocks) == []


def test_a_batch_has_one_to_ten() -> None:
    """Neither an empty batch nor one of eleven is drawn (docs/rules.md: D4)."""
    for count in (0, 11):
        with pytest.raises(ValueError, match="1 to 10"):
            cards.batch_card([tidy(index) for index in range(count)])


def test_a_batch_mentions_whose_turn_it_is() -> None:
    """One person is mentioned on a card, however many were assigned; whom it asks, where it says whom."""
    batch = [tidy(0), tidy(1, assignee="U0CAROL"), tidy(2)]
    assert mentioned(cards.batch_card(batch)) == {"@U0ALICE"}
    assert mentioned(cards.batch_card(batch, asked=["U0CAROL"])) == {"@U0CAROL"}


def mentioned(message: cards.Message) -> set[str]:
    return {mark for mark in live_marks(message.blocks) if not mark.startswith("!date")}


def asked_by(count: int, **changed: Any) -> list[Approval]:
    """So many agents ask for exactly the same."""
    return [
        replace(tidy(index, {"what": "room 7"}, **changed), agent_id=f"agt_{index}", agent=f"agent {index}")
        for index in range(count)
    ]


def test_the_same_from_many_agents_is_one_entry() -> None:
    """Twenty requests for exactly the same are one entry and one tick box; the buttons carry each of them."""
    batch = asked_by(20)
    message = cards.batch_card(batch)
    assert faults(message.blocks) == []
    shown = everything(message.blocks)
    assert shown.count("Tidy room 7") == 2, "the entry and its tick box"
    assert "Asked 20 times" in shown
    assert "agent 0, agent 1, agent 2 and 17 more" in shown
    pressed = buttons(message.blocks)
    assert [item["value"] for item in pressed["batch_select"]["options"]] == [batch[0].id]
    assert list(cards.read_batch_value(pressed["batch_approve"]["value"])) == [found.id for found in batch]
    assert pressed["batch_approve"]["text"]["text"] == "Approve all 20"
    assert message.metadata["event_payload"]["approval_ids"].split(",") == [found.id for found in batch]


def test_an_entry_of_several_counts_what_became_of_each() -> None:
    """Of three for the same, what is decided is counted, and the tick box stands for the two that wait."""
    first, second, third = asked_by(3)
    done = replace(first, state=State.APPROVED, decision=Decision(Decided.APPROVED, "U0BOB", NOW))
    message = cards.batch_card([done, second, third])
    assert "Asked 3 times · ✅ Approved: 1" in everything(message.blocks)
    pressed = buttons(message.blocks)
    assert [item["value"] for item in pressed["batch_select"]["options"]] == [second.id]
    assert list(cards.read_batch_value(pressed["batch_reject"]["value"])) == [second.id, third.id]


def test_what_differs_in_anything_is_an_entry_of_its_own() -> None:
    """Another value, type, action or manifest is another entry."""
    one = tidy(1, {"what": "room 7", "n": 1})
    for other in (
        tidy(2, {"what": "room 7", "n": "1"}),
        tidy(2, {"what": "room 7 ", "n": 1}),
        tidy(2, {"what": "room 7", "n": 1, "more": None}),
        replace(tidy(2, {"what": "room 7", "n": 1}), policy_version="another"),
    ):
        assert len(buttons(cards.batch_card([one, other]).blocks)["batch_select"]["options"]) == 2


@given(st.lists(st.tuples(st.text(max_size=400), st.integers(0, 3)), min_size=1, max_size=25))
def test_what_fits_is_within_the_limits_of_slack(rooms: list[tuple[str, int]]) -> None:
    """Whatever requests are let onto one card, Slack takes it, then and after each of them is decided with a long note."""
    batch = [replace(tidy(at, {"what": what, "n": n}), agent=f"a{n}") for at, (what, n) in enumerate(rooms)]
    if not cards.is_batch(batch):
        return
    note = "é" * 500
    for count in range(len(batch) + 1):
        done = [
            replace(one, state=State.REJECTED, decision=Decision(Decided.REJECTED, "U0BOB", NOW, note=note))
            for one in batch[:count]
        ]
        assert faults(cards.batch_card([*done, *batch[count:]]).blocks) == []


def test_a_card_names_what_sets_one_request_apart() -> None:
    """That one of them is approved automatically is said beside it."""
    silent = tidy(1, rules={"on_timeout": OnTimeout.APPROVE}, level=Level.SOFT_APPROVAL)
    assert "approved automatically" in everything(cards.batch_card([tidy(0), silent]).blocks)
    assert "approved automatically" not in everything(cards.batch_card([tidy(0), tidy(1)]).blocks)


def test_a_queue_counts_what_it_does_not_show() -> None:
    """A list shows ten and counts the rest; each can be opened, and an empty one says so."""
    message = cards.queue_message(
        [tidy(index) for index in range(10)], total=57, links={tidy(0).id: "https://x.example/p"}
    )
    assert "and 47 more" in everything(message.blocks)
    assert "<https://x.example/p|Open the card>" in everything(message.blocks)
    assert faults(message.blocks) == []
    assert message.text.endswith("57")
    assert "Nothing here" in everything(cards.queue_message([]).blocks)


def asking(kind: str, question: str, labels: tuple[str, ...] = (), **changed: Any) -> Approval:
    """A request of one and the same sentence that differs only in what it asks."""
    offers = [{"id": f"c{at}", "label": label} for at, label in enumerate(labels)]
    body = {"kind": kind, "question": question, **({"choices": offers} if offers else {})}
    return approval({"branch": "main"}, action="delete_branch", request=body, **changed)


def test_rows_that_ask_for_an_answer_show_the_question() -> None:
    """Two requests of one sentence are told apart by question and offers: in lists, the home tab, digests and notifications."""
    some = [
        asking("input", "Who still works on fix/returns?", id="01JV8Q3ZK4W5T6Y7X8R9S0AB01"),
        asking("input", "Who still works on fix/orders?", id="01JV8Q3ZK4W5T6Y7X8R9S0AB02"),
        asking("choose", "Which is stale?", ("red", "blue"), id="01JV8Q3ZK4W5T6Y7X8R9S0AB03"),
        asking("choose", "Which is stale?", ("red", "green"), id="01JV8Q3ZK4W5T6Y7X8R9S0AB04"),
    ]
    drawn = (cards.queue_message(some).blocks, home_view("U0ALICE", some, [])["blocks"], cards.digest_card(some).blocks)
    for blocks in drawn:
        assert faults(blocks) == []
        said = everything(blocks)
        for words in ("The agent asks: Who still works on fix/returns?", "The agent asks: Who still works on fix/orders?",
                      "The agent offers: red · blue", "The agent offers: red · green"):  # fmt: skip
            assert said.count(words) == 1
    texts = [approval_card(one).text for one in some[:2]]
    assert "fix/returns" in texts[0]
    assert "fix/orders" in texts[1]


def test_a_question_in_a_list_is_cut_and_hides_what_is_secret() -> None:
    """However long or hostile a question is, thirty rows fit Slack, nothing in it is live, and a redacted value stays hidden."""
    hostile = "é<!here>\u202e *now*\n" * 100
    many = [asking("choose", hostile, (hostile[:150] + "a", hostile[:150] + "b")) for _ in range(30)]
    assert check_view(home_view("U0ALICE", many, [])) == []
    assert faults(cards.queue_message(many[:10]).blocks) == []
    assert mentioned(cards.queue_message(many[:1])) == {"@U0ALICE"}
    secret = approval(
        {"branch": "4111111111111111"}, action="delete_branch", rules={"redact": ("params.branch",)},
        request={"kind": "input", "question": "Whose is 4111111111111111?"},
    )  # fmt: skip
    assert "4111111111111111" not in everything(cards.queue_message([secret]).blocks)
    assert "4111111111111111" not in approval_card(secret).text


def test_a_link_that_is_no_link_is_left_out() -> None:
    """Only a plain web address becomes a link."""
    for url in ("javascript:alert(1)", "https://x|y>z", ""):
        assert "Open the card" not in everything(cards.queue_message([tidy(0)], links={tidy(0).id: url}).blocks)


def test_the_home_tab_shows_my_queue() -> None:
    """What waits for me, what was decided, my figures, and the switch for being away."""
    mine = [tidy(index) for index in range(40)]
    view = home_view("U0ALICE", mine, [decided(State.REJECTED, Decided.REJECTED)] * 12, figures={"Decided today": 3})
    assert check_view(view) == []
    shown = everything(view)
    assert "Waiting for you (40)" in shown
    assert "and 10 more" in shown
    assert "Decided today" in shown
    assert buttons(view)["away_toggle"]["value"] == "away"
    away = home_view("U0ALICE", [], [], Presence(away=True, until=NOW))
    assert buttons(away)["away_toggle"]["value"] == "back"
    assert "2026-03-02 14:00 UTC" in everything(away)


def test_alerts_quote_what_they_tell() -> None:
    """News for operations is text, whatever it holds."""
    message = cards.alert("Manifest refused", "actions.yml:3: <!here> *boo*")
    assert faults(message.blocks) == []
    assert live_marks(message.blocks) == []
    assert "actions.yml:3: <!here> *boo*" in everything(message.blocks)


def refund(index: int, params: dict[str, Any] | None = None, **changed: Any) -> Approval:
    """A high request that cannot be undone."""
    given = (
        {"customer": f"c{index}@x.com", "amount_usd": 4800 + index, "order_id": f"A-{index}"}
        if params is None
        else params
    )
    return approval(given, id=f"01JV8Q3ZK4W5T6Y7X8R9S0AC{index:02}", digest=f"{index:064x}", **changed)


def test_an_entry_of_a_digest_is_approved_where_it_shows_everything() -> None:
    """Severe requests each have Approve, which asks once more, beside their parameters and the agent's reason."""
    some = [refund(index) for index in range(cards.DIGEST)]
    message = cards.digest_card(some)
    assert faults(message.blocks) == []
    for index, found in enumerate(some):
        approve, opens = block(message.blocks, f"decide-{index + 1}")["elements"]
        assert (approve["action_id"], opens["action_id"]) == ("approve", "details")
        assert approve["value"] == f"{found.id}|{found.digest}"
        assert approve["confirm"]["text"]["text"] == found.sentence
        shown = everything(block(message.blocks, f"item-{index + 1}"))
        assert found.sentence in shown
        assert f'order_id: "A-{index}"' in shown
        assert "The agent says: “The parcel was lost.”" in shown


@pytest.mark.parametrize(
    "found",
    [
        refund(1, {"customer": "a", "amount_usd": 1, "note": "x" * 400}),
        refund(1, {"customer": "x" * 300, "amount_usd": 1}),
        refund(1, {"customer": "a", "amount_usd": 200_000}),
        refund(1, {"customer": "a", "amount_usd": 1, "api_key": "ghp_" + "a1B2c3D4" * 5}),
        refund(1, request={"kind": "input", "question": "Which?"}),
        refund(1, level=Level.HUMAN_TAKEOVER),
        refund(1, votes=(Vote("U0BOB", "finance", NOW),)),
        replace(refund(1), params={"customer": "a", "amount_usd": 7}),
    ],
)
def test_what_an_entry_cannot_show_whole_is_opened_first(found: Approval) -> None:
    """An entry that leaves anything out, hides it, wants more than a yes or was changed has no Approve."""
    message = cards.digest_card([refund(0), found])
    assert faults(message.blocks) == []
    values = [item["value"] for item in objects(message.blocks) if item.get("action_id") == "approve"]
    assert values == [f"{refund(0).id}|{refund(0).digest}"]
    assert block(message.blocks, "item-2")["accessory"]["action_id"] == "details"


def test_a_digest_stays_within_slacks_limits() -> None:
    """Ten requests with as much as an entry holds fit one message: the last ones are opened first."""
    params = {"customer": "x" * 70, "amount_usd": 1, "note": "y" * 200}
    some = [refund(index, params, request={"reason": "é" * 300}) for index in range(10)]
    message = cards.digest_card(some)
    assert faults(message.blocks) == []
    assert 0 < sum(item.get("action_id") == "approve" for item in objects(message.blocks)) < 10


def test_an_entry_lists_only_what_its_sentence_does_not_tell() -> None:
    """A parameter that the sentence prints whole and for certain has no line of its own in a batch either; all others have."""
    rules = {"describe": "Tidy {{ params.what }}"}
    batch = [tidy(index, {"what": f"hall-{index}", "deep": True}, rules=rules) for index in range(2)]
    batch = [replace(found, sentence=f"Tidy hall-{at}") for at, found in enumerate(batch)]
    shown = everything(cards.batch_card(batch).blocks)
    assert 'what: "hall-0"' not in shown
    assert "deep: true" in shown
    assert "policy 0f3a9c1b2d4e" not in shown
    hidden = [replace(found, sentence="Tidy something") for found in batch]
    assert 'what: "hall-0"' in everything(cards.batch_card(hidden).blocks)
