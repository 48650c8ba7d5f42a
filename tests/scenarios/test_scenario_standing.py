"""One yes for many: given on a card, used by what is alike, counted on one message, and ended by a tap or by itself."""

from __future__ import annotations

import pytest
from support.files import ACTIONS, write_manifest, write_roster
from support.marks import on_sqlite
from support.office import Office
from support.standing import ANN, BOUNDS, SHIPPING, by_standing, count, form, give, given, opened, shipping


@pytest.fixture
def shop(closed_office: Office) -> Office:
    """An office whose manifest allows standing approvals."""
    return opened(closed_office)


def test_one_yes_lets_the_like_run_and_is_counted_on_one_message(shop: Office) -> None:
    """The reviewer approves one and lets the like run: each is claimed by itself, none is posted, one message counts."""
    first = shipping(shop.agent)
    assert give(shop, first).ok
    assert shop.agent.see(first)["decision"]["by"] == "U0ALICE"
    told = count(shop, "0 of 3")
    posts = len(shop.slack.all_messages())
    uses = [shipping(shop.agent, amount) for amount in (5, 7.5)]
    assert all(map(by_standing, uses))
    assert [one["level"] for one in uses] == ["notify_only"] * 2
    assert {one["decision"]["by"] for one in uses} == {"policy"}
    grants = [shop.agent.claim(one, nonce=f"nonce-no-{number}") for number, one in enumerate(uses)]
    assert grants[0]["params"] == {"customer": ANN, "amount_usd": 5}
    assert len({grant["digest"] for grant in grants} | {first["digest"]}) == 3
    shop.agent.result(uses[0], nonce="nonce-no-0")
    told = shop.slack.expect_update(told, "2 of 3, $12.50 of $200")
    text = told.text()
    assert 'customer = "ann@example.com"' in text
    assert "amount_usd (number)" in text
    assert "Refund $7.50 of shipping to ann@example.com" in text
    assert told.mentions() == []
    assert len(shop.slack.all_messages()) == posts, "nothing else was posted"
    events = [line["event"] for line in shop.trail()]
    assert events.count("standing_given") == 1
    assert events.count("standing_used") == 2
    used = next(line for line in shop.trail(uses[1]) if line["event"] == "standing_used")
    assert (used["actor"], used["use"], used["spent_usd"]) == ("policy", 2, "12.5")
    shop.intact()


def test_the_last_use_ends_it_and_can_still_be_claimed(shop: Office) -> None:
    """All uses used: the message says so, the last one runs, and the next asks a person."""
    given(shop)
    uses = [shipping(shop.agent, 1) for _ in range(3)]
    assert all(map(by_standing, uses))
    over = count(shop, "Standing approval ended")
    assert "3 of 3" in over.text()
    assert "all of it was used" in over.text()
    assert not over.has("end_standing")
    for number, one in enumerate(uses):
        shop.agent.claim(one, nonce=f"nonce-no-{number}")
    asked = shipping(shop.agent, 1)
    assert asked["state"] == "pending"
    ended = next(line for line in shop.trail() if line["event"] == "standing_ended")
    assert (ended["actor"], ended["rationale"]) == ("policy", "all of it was used")
    shop.intact()


def test_what_differs_asks_and_says_why(shop: Office) -> None:
    """Another customer, session or agent, a parameter more, or too much asks a person, who reads why."""
    given(shop)
    other = shop.agent_called("other")
    for asked, words in (
        (shipping(shop.agent, customer="Ann@example.com"), "params.customer is not the same"),
        (shipping(shop.agent, session="s2"), "it is for another session"),
        (shipping(shop.agent, params={"force": True}), "its words do not name params.force"),
        (shipping(shop.agent, amount=201), "$201 is more than the $200 that are left"),
        (shipping(shop.agent, recommended_review=True), "recommends a review"),
        (shipping(other), ""),
    ):
        assert asked["state"] == "pending", words
        assert words in " ".join(asked["why"])
    assert "0 of 3" in count(shop).text()


def test_the_route_is_told_before_it_is_asked(shop: Office) -> None:
    """A dry run says that it would run by the standing approval, or why not, and uses none of it."""
    given(shop)

    def route(customer: str) -> dict[str, object]:
        body = {"action": "refund_shipping", "params": {"customer": customer, "amount_usd": 3}, "session_id": "s1"}
        answer = shop.agent.raw("POST", "/route", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found

    covered, not_covered = route(ANN), route("bob@example.com")
    assert (covered["route"], covered["level"]) == ("auto", "notify_only")
    assert "a standing approval of U0ALICE covers it" in str(covered["why"])
    assert not_covered["route"] == "ask"
    assert "does not cover it: params.customer is not the same" in str(not_covered["why"])
    assert "0 of 3" in count(shop).text()


# --- the form ----------------------------------------------------------------------------------------------------------


def test_the_form_says_all_of_it(shop: Office) -> None:
    """Who, what stays the same, what may differ, for how long, how many and how much, within the manifest's bounds."""
    sheet = form(shop, shipping(shop.agent, params={"note": "late"}))
    assert sheet.callback_id == "approve_standing_modal"
    text = sheet.text()
    for words in (
        "lets similar requests run without asking",
        "demo · session s1",
        "Must stay the same",
        'customer = "ann@example.com"',
        "May differ",
        "amount_usd (number)",
        "note (text)",
        "How many more, at most 3",
        "How many dollars in all, at most $200",
    ):
        assert words in text, words
    assert sheet.options("standing_until") == ["300", "900", "1800", "3600"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("standing_uses", "4", "from 1 to 3"),
        ("standing_uses", "0", "from 1 to 3"),
        ("standing_total", "200.01", "at most $200"),
        ("standing_total", "0", "more than nothing"),
        ("standing_total", "-5", "more than nothing"),
    ],
)
@on_sqlite
def test_nobody_goes_beyond_the_manifest(shop: Office, field: str, value: str, words: str) -> None:
    """More than the manifest allows is refused in the form, at its field, and nothing is approved."""
    first = shipping(shop.agent)
    sheet = form(shop, first).fill(field, value)
    done = shop.person("U0ALICE").submit(sheet, force=True)
    assert words in str(done.errors.get(field)), done
    assert shop.agent.see(first)["state"] == "pending"
    assert "standing_given" not in shop.events()


@on_sqlite
def test_a_forged_length_is_refused(shop: Office) -> None:
    """A length that the menu does not offer is no way around the manifest."""
    first = shipping(shop.agent)
    sheet = form(shop, first)
    with shop.slack.workspace.changing():
        option = {"text": {"type": "plain_text", "text": "ever"}, "value": "999999"}
        sheet.view.state["standing_until"]["standing_until"]["selected_option"] = option
    done = shop.person("U0ALICE").submit(sheet, force=True)
    assert "at most 3600 s" in str(done.errors)
    assert shop.agent.see(first)["state"] == "pending"


def test_a_reviewer_may_choose_less(shop: Office) -> None:
    """Fewer, shorter, less: what was chosen is what holds."""
    given(shop, standing_uses="1", standing_total="10", standing_until="300")
    told = count(shop, "0 of 1, $0 of $10")
    assert told.has("end_standing")
    assert not by_standing(shipping(shop.agent, 11))
    assert by_standing(shipping(shop.agent, 10))


@on_sqlite
def test_what_approve_demands_holds_here_too(closed_office: Office) -> None:
    """A large amount is typed here as well, and what does not fit the card is read in full first."""
    shop = opened(closed_office, confirm_amount_above_usd=50)
    first = shipping(shop.agent, 60, params={f"note_{number}": "x" * 60_000 for number in range(4)})
    sheet, alice = form(shop, first), shop.person("U0ALICE")
    assert not sheet.has("standing_uses"), "the form comes after the last page"
    alice.click(sheet, "details_page", "1")
    sheet = alice.expect_modal(contains="Must stay the same")
    done = alice.submit(sheet.fill("amount", "6"))
    assert "Type $60" in str(done.errors)
    assert shop.agent.see(first)["state"] == "pending"
    assert shop.person("U0ALICE").submit(sheet.fill("amount", "60")).ok
    assert by_standing(shipping(shop.agent, 5, params={"note_1": "short"}))


@on_sqlite
def test_it_is_offered_only_where_it_may_be_given(shop: Office) -> None:
    """No button where the manifest allows none, where the request belongs to no session, or a review is recommended."""
    for asked in (
        shop.agent.refund(),
        shop.agent.ask("change_thing", {"thing": "x"}),
        shipping(shop.agent, session=None),
        shipping(shop.agent, recommended_review=True),
        shipping(shop.agent, evidence={"tool_errored": True}),
    ):
        assert not shop.card(asked).has("approve_standing")
    assert shop.card(shipping(shop.agent)).has("approve_standing")


@on_sqlite
def test_only_who_may_decide_gives_one(shop: Office) -> None:
    """Neither somebody of another role, a guest, nor whoever it is asked for; each is told, and it is recorded."""
    shop.slack.directory.change("U0BOB", is_restricted=True)
    first = shipping(shop.agent, on_behalf_of="alice@example.com")
    card = shop.card(first, has="approve_standing")
    for user in ("U0DAN", "U0ALICE", "U0BOB"):
        shop.person(user).click(card, "approve_standing")
        shop.person(user).expect_ephemeral()
    assert shop.agent.see(first)["state"] == "pending"
    sheet = shop.form("U0DAN", card, "details")
    assert "approve_standing" not in " ".join(sheet.actions())


@on_sqlite
def test_who_always_said_yes_is_asked_whether_to_let_them_run(shop: Office) -> None:
    """Five of five approved: the details offer it. One no among them: they do not."""
    alice = shop.person("U0ALICE")
    for number in range(5):
        one = shipping(shop.agent, number + 1)
        alice.click(shop.card(one), "approve")
    card = shop.card(shipping(shop.agent, 9))
    assert "You approved 5 of 5 of these. Let them run for 1 hour?" in alice.click(card, "details").modal.text()
    assert "You approved" not in shop.person("U0BOB").click(card, "details").modal.text()
    no = shipping(shop.agent, 400)
    assert alice.submit(shop.form("U0ALICE", shop.card(no), "reject").fill("reason", "Too much")).ok
    assert "You approved" not in alice.click(card, "details").modal.text()


# --- ending ------------------------------------------------------------------------------------------------------------


def test_anybody_who_may_decide_ends_it_on_its_message(shop: Office) -> None:
    """One tap by a colleague: the message says who, what was not claimed is withdrawn, and the next one asks."""
    given(shop)
    waiting, claimed = shipping(shop.agent, 1), shipping(shop.agent, 2)
    shop.agent.claim(claimed)
    told = count(shop, "2 of 3")
    shop.person("U0DAN").click(told, "end_standing")
    assert "Only members of" in shop.person("U0DAN").expect_ephemeral().text()
    assert by_standing(shop.agent.see(waiting))
    shop.person("U0BOB").click(told, "end_standing")
    over = shop.slack.expect_update(told, "Standing approval ended")
    assert "ended by @bob" in over.text()
    assert not over.has("end_standing")
    assert "Ended: 2 of 3" in shop.person("U0BOB").expect_ephemeral().text()
    assert shop.agent.see(waiting)["state"] == "cancelled"
    shop.agent.claim(waiting, status=409)
    assert shop.agent.see(claimed)["state"] == "claimed"
    assert shipping(shop.agent, 1)["state"] == "pending"
    shop.person("U0BOB").click_stale(told, "end_standing")
    assert "has ended already" in shop.person("U0BOB").expect_ephemeral("already").text()
    assert [line["actor"] for line in shop.trail() if line["event"] == "standing_ended"] == ["U0BOB"]
    refused = [line for line in shop.trail() if line["event"] == "refused"]
    assert [(line["actor"], line["decision"]) for line in refused] == [("U0DAN", "end_standing")]
    shop.intact()


def test_it_is_ended_from_the_home_tab(shop: Office) -> None:
    """Who may end it sees it at home with a button; others do not see it there."""
    given(shop)
    bob = shop.person("U0BOB")
    home = bob.open_home()
    assert "Standing approvals (1)" in home.text()
    assert "0 of 3" in home.text()
    bob.click(home, "end_standing")
    shop.until(lambda: "Standing approvals" not in bob.open_home().text(), "it is gone from the home tab")
    assert "Standing approvals" not in shop.person("U0DAN").open_home().text()
    assert shipping(shop.agent)["state"] == "pending"


@on_sqlite
def test_the_command_lists_and_ends_them(shop: Office) -> None:
    """`/sayso standing` names each with its count; its button, or its id, ends it. Guests are refused."""
    given(shop)
    bob = shop.person("U0BOB")
    reply = bob.command("/sayso", "standing").reply
    assert reply is not None
    assert "0 of 3, $0 of $200 used · demo · session s1" in reply.text()
    assert reply.has("end_standing")
    of_dan = shop.person("U0DAN").command("/sayso", "standing").reply
    assert of_dan is not None
    assert not of_dan.has("end_standing")
    name = next(line["standing"] for line in shop.trail() if line["event"] == "standing_given")
    refused = shop.person("U0DAN").command("/sayso", f"standing end {name}").reply
    assert refused is not None
    assert "Only members of" in refused.text()
    bob.click(reply, "end_standing")
    assert "Ended" in bob.expect_ephemeral("Ended").text()
    again = bob.command("/sayso", f"standing end {name}").reply
    assert again is not None
    assert "has ended already" in again.text()
    nothing = bob.command("/sayso", "standing").reply
    assert nothing is not None
    assert "No standing approval is in force" in nothing.text()
    shop.slack.directory.change("U0BOB", is_restricted=True)
    guest = bob.command("/sayso", "standing").reply
    assert guest is not None
    assert "Guests" in guest.text()


def test_its_time_ends_it(shop: Office) -> None:
    """When its time is over nothing runs by it, neither a new request nor one that nobody claimed."""
    given(shop, standing_until="300")
    waiting = shipping(shop.agent, 1)
    assert by_standing(waiting)
    shop.advance(301)
    assert "its time was over" in count(shop, "Standing approval ended").text()
    assert shipping(shop.agent, 1)["state"] == "pending"
    assert shop.agent.see(waiting)["state"] == "expired"
    shop.agent.claim(waiting, status=410)
    shop.intact()


def test_a_changed_policy_ends_it(shop: Office) -> None:
    """Another line of the action's policy ends it; a change elsewhere in the file does not."""
    given(shop)
    likes = {"refund_shipping": SHIPPING, "change_thing": ACTIONS["change_thing"] | {"title": "Another"}}
    write_manifest(shop.folder, ACTIONS | likes)
    shop.until(lambda: shop.server.world.book.manifest.policy("change_thing").title == "Another", "the file is read")
    assert by_standing(shipping(shop.agent, 1))
    waiting = shipping(shop.agent, 2)
    write_manifest(shop.folder, ACTIONS | likes | {"refund_shipping": SHIPPING | {"sla_seconds": 60}})
    assert "the policy of the action has changed" in count(shop, "Standing approval ended").text()
    assert shipping(shop.agent, 1)["state"] == "pending"
    assert shop.agent.see(waiting)["state"] == "cancelled"


def test_an_incident_ends_it(shop: Office) -> None:
    """Somebody calls one of the agent's an incident: nothing more runs by it."""
    given(shop)
    one = shipping(shop.agent, 1)
    shop.agent.claim(one)
    shop.agent.result(one)
    shop.critic.label(one, "incident")
    assert "was called an incident" in count(shop, "Standing approval ended").text()
    assert shipping(shop.agent, 1)["state"] == "pending"


def test_a_failure_that_costs_a_level_ends_it(closed_office: Office) -> None:
    """Two failures within a day take a level from the agent, and end what was given to it."""
    shop = opened(closed_office, autonomy={"start": "soft_approval"})
    given(shop)
    for number in range(2):
        one = shipping(shop.agent, 1)
        assert by_standing(one), "the ratchet wants a person's yes, and has it"
        shop.agent.claim(one, nonce=f"nonce-no-{number}")
        shop.agent.result(one, "failed", nonce=f"nonce-no-{number}")
    assert "the agent lost a level" in count(shop, "Standing approval ended").text()
    shop.intact()


def test_a_giver_who_left_gives_no_more(shop: Office) -> None:
    """A reviewer who is deactivated, leaves the role or becomes a guest: at once nothing runs by their word, claims included."""
    given(shop)
    waiting = shipping(shop.agent, 1)
    shop.slack.directory.deactivate("U0ALICE")
    refused = shop.agent.claim(waiting, status=409)
    assert "giver may no longer decide" in refused["detail"]
    assert shipping(shop.agent, 1)["state"] == "pending"
    shop.advance(1)
    assert "its giver may no longer decide" in count(shop, "Standing approval ended").text()
    assert shop.agent.see(waiting)["state"] == "cancelled"


@on_sqlite
def test_a_giver_without_the_role_gives_no_more(shop: Office) -> None:
    """Taken out of the role in the roster: the same."""
    given(shop)
    write_roster(shop.folder, roles={"finance": {"members": ["U0BOB"]}, "finance_lead": {"members": ["U0CAROL"]}})
    assert "its giver may no longer decide" in count(shop, "Standing approval ended").text()
    assert shipping(shop.agent, 1)["state"] == "pending"


def test_a_cancelled_session_ends_what_was_given_for_it(shop: Office) -> None:
    """A cancelled session takes its standing approval with it, and no other session's."""
    given(shop)
    shop.agent.beat("s1")
    shop.person("U0ADMIN").command("/sayso", "cancel s1")
    assert "session s1 was cancelled" in count(shop, "Standing approval ended").text()
    assert shipping(shop.agent, 1)["state"] == "pending"


def test_a_revoked_agent_has_none(shop: Office) -> None:
    """With the agent its standing approvals end."""
    from bot.service import revoking

    given(shop)
    revoking.revoke(shop.server.world, "demo")
    assert "the agent demo was revoked" in count(shop, "Standing approval ended").text()
    shop.intact()


def test_stop_holds_it_and_start_lets_it_go_on(shop: Office) -> None:
    """While everything is stopped nothing runs by it, and what it let run before is held; afterwards it goes on."""
    given(shop)
    waiting = shipping(shop.agent, 1)
    admin = shop.person("U0ADMIN")
    admin.command("/sayso", "stop")
    assert shipping(shop.agent, 1)["state"] == "pending"
    shop.agent.claim(waiting, status=423)
    admin.command("/sayso", "start")
    shop.agent.claim(waiting)
    assert by_standing(shipping(shop.agent, 2))


def test_a_use_that_is_withdrawn_stays_counted(shop: Office) -> None:
    """What the agent cancels, or nobody claims in time, was used all the same."""
    given(shop)
    one = shipping(shop.agent, 100)
    shop.agent.cancel(one)
    shipping(shop.agent, 90)
    shop.advance(901)
    assert "2 of 3, $190 of $200" in count(shop, "2 of 3").text()
    assert not by_standing(shipping(shop.agent, 11))


@on_sqlite
def test_what_may_be_undone_is_told_in_the_first_ones_thread(closed_office: Office) -> None:
    """Where Undo is offered each use has its message with the button, quietly in the thread of the card."""
    shop = opened(closed_office, undo_window_seconds=600)
    first = given(shop)
    one = shipping(shop.agent, 1)
    told = shop.card(one, has="undo")
    assert told.thread_ts == shop.card(first).ts
    assert shop.person("U0BOB").submit(shop.form("U0BOB", told, "undo")).ok
    assert shop.agent.see(one)["state"] == "cancelled"


@on_sqlite
def test_nothing_is_given_with_what_was_decided_before(shop: Office) -> None:
    """Approved by a colleague, or by oneself, while the form was open: no standing approval comes of it, and that is said."""
    first, second = shipping(shop.agent, 1), shipping(shop.agent, 2)
    sheet = form(shop, first)
    shop.person("U0BOB").click(shop.card(first), "approve")
    assert "Already approved" in shop.person("U0ALICE").submit(sheet).modal.text()
    sheet = form(shop, second)
    shop.person("U0ALICE").click(shop.card(second), "approve")
    assert "gave no standing approval" in shop.person("U0ALICE").submit(sheet).modal.text()
    assert "standing_given" not in shop.events()
    assert BOUNDS["max_uses"] == 3
