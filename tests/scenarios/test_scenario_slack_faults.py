"""Slack is slow, full, broken or gone: one card each, and nobody is left without a word."""

from __future__ import annotations

import time
from dataclasses import replace

import httpx2
import pytest
import yaml
from support.marks import on_sqlite
from support.office import Office
from support.servers import ROOT

from playground.kit import Channel

pytestmark = on_sqlite
POST = "chat.postMessage"


def one_card(office: Office, refund: dict[str, object], **options: object) -> None:
    """The card comes, and stays the only one."""
    office.card(refund, **options)
    time.sleep(0.3)
    assert len(office.slack.cards(approval_id=str(refund["id"]))) == 1


def test_a_rate_limit_is_obeyed(office: Office) -> None:
    """After a 429 with Retry-After the channel is left alone for that long, and then has one card for each request."""
    office.slack.faults.inject(POST, "ratelimited", times=1, seconds=1)
    refunds = [office.agent.refund(), office.agent.refund(481)]
    for refund in refunds:
        one_card(office, refund)
    calls = [call for call in office.slack.calls_to(POST) if call.args.get("channel") == "#finance"]
    assert calls[1].at - calls[0].at >= 1.0


def installed(office: Office, **without: set[str]) -> None:
    """Sayso installed from its own manifest.yml, and of that without some scopes."""
    office.slack.install(yaml.safe_load((ROOT / "manifest.yml").read_text()))
    granted = office.slack.workspace.credentials.scopes or set()
    office.slack.workspace.credentials.scopes = granted - without.get("scopes", set())


def test_a_lost_post_is_found_in_a_private_channel_called_by_name(office: Office) -> None:
    """However many channels there are, a private one that we are in is found by its name, and no card stands there twice."""
    installed(office)
    for number in range(1200):
        office.slack.workspace.channels[f"C1{number:04}"] = Channel(f"C1{number:04}", f"team-{number}")
    private = office.slack.workspace.channels["C0FINANCE"]
    with office.slack.workspace.changing():
        del office.slack.workspace.channels["C0FINANCE"]
        office.slack.workspace.channels["C0FINANCE"] = replace(private, is_private=True)
    office.slack.faults.inject(POST, "drop_after", times=1)
    refund = office.agent.refund()
    office.until(lambda: "gate_presented" in office.events(refund), "the card is known")
    assert len(office.slack.calls_to(POST)) == 1
    pages = office.slack.calls_to("conversations.list")
    assert [call.args.get("cursor") for call in pages] == [None, "next:1000"]
    assert all(call.args["types"] == "public_channel,private_channel" for call in pages)


@pytest.mark.parametrize("scope", ["channels:history", "channels:read", "groups:read"])
def test_what_may_not_be_looked_up_is_sent_again(office: Office, scope: str) -> None:
    """Without the scope to look, a card that was lost on its way comes all the same, and nothing else waits for it."""
    installed(office, scopes={scope, "groups:read"} if scope == "channels:read" else {scope})
    office.slack.faults.inject(POST, "drop_before", times=1)
    one_card(office, office.agent.refund())
    assert len(office.slack.calls_to(POST)) == 2


def test_a_channel_that_we_are_not_in_gets_its_lost_card_again(office: Office) -> None:
    """A public channel can be posted to without being in it, and not be looked through: the card goes there, nowhere else."""
    installed(office)
    office.slack.workspace.channels["C0FINANCE"].members.remove(office.slack.workspace.bot_user)
    office.slack.faults.inject(POST, "drop_before", times=1)
    one_card(office, office.agent.refund())
    assert office.slack.messages("#ops") == []


@pytest.mark.parametrize("kind", ["server_error", "drop_before", "drop_after"])
def test_a_post_of_unknown_outcome_is_looked_up(office: Office, kind: str) -> None:
    """A post that failed, or whose answer was lost, is looked for before it is sent again: never two cards."""
    office.slack.faults.inject(POST, kind, times=1)  # type: ignore[arg-type]
    refund = office.agent.refund()
    one_card(office, refund)
    office.person("U0BOB").click(office.card(refund), "approve")
    office.slack.expect_update(office.slack.cards(approval_id=refund["id"])[0])
    assert len(office.slack.calls_to(POST)) == (1 if kind == "drop_after" else 2)
    assert office.events(refund).count("gate_presented") == 1


@pytest.mark.parametrize("kind", ["ratelimited", "server_error"])
def test_a_look_up_that_fails_is_repeated(office: Office, kind: str) -> None:
    """Where the look-up itself fails, the post stays in doubt and is not sent blindly."""
    office.slack.faults.inject(POST, "drop_after", times=1)
    office.slack.faults.inject("conversations.*", kind, times=1, seconds=0)  # type: ignore[arg-type]
    refund = office.agent.refund()
    one_card(office, refund)
    office.until(lambda: "gate_presented" in office.events(refund), "the card is known")
    assert len(office.slack.cards(approval_id=refund["id"])) == 1


def test_a_lost_update_is_sent_again(office: Office) -> None:
    """An update that fails is repeated until the card shows what is."""
    refund = office.agent.refund()
    card = office.card(refund)
    office.slack.faults.inject("chat.update", "server_error", times=1)
    office.person("U0BOB").click(card, "approve")
    office.slack.expect_update(card, contains="Approved")


def test_a_channel_that_is_gone_falls_back_to_operations(office: Office) -> None:
    """A card for a channel that is archived goes to operations, who are told why, and can be decided there."""
    with office.slack.workspace.changing():
        office.slack.workspace.channel("#finance").is_archived = True
    refund = office.agent.refund()
    card = office.card(refund, channel="#ops")
    office.slack.expect_message("#ops", contains=["#finance", "cannot be used"])
    office.person("U0BOB").click(card, "approve")
    assert office.agent.see(refund)["state"] == "approved"


def test_a_card_that_was_deleted_leaves_the_rest_alone(office: Office) -> None:
    """A card somebody deleted is given up; the decision over another way and other cards go on."""
    refund = office.agent.refund()
    card = office.card(refund)
    with office.slack.workspace.changing():
        office.slack.workspace.delete_message(card.message)
    office.agent.cancel(refund)
    office.card(office.agent.refund(481))


@pytest.mark.slow
def test_a_token_revoked_and_back(office: Office) -> None:
    """While the token is revoked nothing is lost: readyz says so within 10 s, and the card comes when it is back."""
    office.card(office.agent.refund())
    ready = f"{office.server.url}/readyz"
    assert httpx2.get(ready).status_code == 200
    office.slack.workspace.credentials.revoked = "token_revoked"
    refund = office.agent.refund(481)
    office.until(lambda: httpx2.get(ready).status_code == 503, "not ready")
    assert "token_revoked" in httpx2.get(ready).text
    assert httpx2.get(f"{office.server.url}/healthz").status_code == 200
    office.slack.workspace.credentials.revoked = None
    one_card(office, refund)
    office.until(lambda: httpx2.get(ready).status_code == 200, "ready again")


def test_slack_out_of_reach_stops_no_agent(office: Office) -> None:
    """With all of Slack failing, requests are taken, policy decides alone where it may, and the cards come later."""
    office.slack.faults.inject("*", "server_error", times=None)
    refund = office.agent.refund()
    assert office.agent.refund(20)["state"] == "approved"
    time.sleep(0.2)
    office.slack.faults.clear()
    one_card(office, refund)


def test_a_burst_shows_each_once_and_the_urgent_first(closed_office: Office) -> None:
    """Of twenty requests at once each is on one card, and an urgent one is not on the last."""
    office = closed_office
    office.open(post_interval=600)  # the first is posted, and then nothing
    refunds = [office.agent.refund(400 + n) for n in range(20)]
    urgent = office.agent.refund(499, urgency="high")
    office.card(refunds[0])
    office.server.stop()
    office.open(post_interval=0.05)
    for refund in [*refunds, urgent]:
        office.card(refund)
    cards = office.slack.cards("#finance")
    assert sorted(len(office.slack.cards(approval_id=found["id"])) for found in [*refunds, urgent]) == [1] * 21
    assert office.card(urgent).ts < cards[-1].ts


def test_a_listener_that_cannot_open_its_modal_says_so(office: Office) -> None:
    """When Slack does not open the form, the person is told to tap again."""
    card = office.card(office.agent.refund())
    office.slack.faults.inject("views.open", "error", times=1, error="expired_trigger_id")
    office.person("U0BOB").click(card, "reject")
    office.person("U0BOB").expect_ephemeral("tap again")
    assert office.form("U0BOB", card, "reject").callback_id == "reject_modal"


@pytest.mark.parametrize("kind", ["lost_ack", "late"])
def test_a_tap_that_goes_astray_on_its_way_back(office: Office, kind: str) -> None:
    """A tap whose acknowledgement is lost or late is decided all the same; a second tap changes nothing."""
    refund = office.agent.refund()
    card = office.card(refund)
    office.slack.faults.clicks(kind, seconds=0.3)  # type: ignore[arg-type]
    office.person("U0BOB").click(card, "approve")
    office.person("U0BOB").click_stale(card, "approve")
    assert office.agent.see(refund)["decision"]["by"] == "U0BOB"
    assert office.events(refund).count("approved") == 1


@pytest.mark.parametrize("kind", ["hash_conflict", "not_found", "internal_error"])
def test_a_refusal_is_told_beside_the_card_where_the_modal_does_not_change(office: Office, kind: str) -> None:
    """A tap in Details that is refused while the modal was closed or drawn anew is answered so that only they see it."""
    made = office.agent.refund()
    details = office.form("U0ALICE", office.card(made), "details")
    office.person("U0BOB").click(office.card(made), "approve")
    office.until(lambda: office.agent.see(made)["state"] == "approved", "it is decided")
    office.slack.faults.inject("views.update", "error", times=1, error=kind)
    office.person("U0ALICE").click(details, "approve")
    office.person("U0ALICE").expect_ephemeral("Already approved by")


def test_what_no_second_tap_helps_is_not_called_late(office: Office) -> None:
    """A form that Slack refuses is told with Slack's word for it; a late or busy Slack is asked again."""
    card = office.card(office.agent.refund())
    alice = office.person("U0ALICE")
    office.slack.faults.inject("views.open", "ratelimited", times=1, seconds=1)
    alice.click(card, "reject")
    alice.expect_ephemeral("in time. Please tap again")
    office.slack.faults.inject("views.open", "error", times=1, error="invalid_arguments")
    alice.click(card, "reject")
    alice.expect_ephemeral("did not open the form (invalid_arguments)")
