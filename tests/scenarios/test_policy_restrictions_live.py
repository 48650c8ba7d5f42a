"""Restrictions on the running server: they count what really happened, on both databases."""

from __future__ import annotations

from typing import Any

from support.agent import Json
from support.files import ACTIONS, PLAIN, write_manifest
from support.marks import on_postgresql, on_sqlite
from support.office import Office
from support.servers import command

FREE: Json = PLAIN | {"severity": "low", "approval_required": False}


def opened(office: Office, **actions: Json) -> None:
    """Start the server with further actions."""
    office.manifest = write_manifest(office.folder, ACTIONS | actions)
    office.open()


def used(office: Office, action: str, outcome: str = "succeeded", **body: Any) -> Json:
    """Ask, have a person say yes where one is asked, claim and report."""
    made = office.agent.ask(action, {"thing": "x"}, **body)
    if made["state"] == "pending":
        office.person("U0ALICE").click(office.card(made), "approve")
    nonce = f"nonce-{made['id']}"
    office.agent.claim(made, nonce)
    office.agent.result(made, outcome, nonce=nonce)
    return made


def test_a_12_dollar_refund_flows_and_others_ask(office: Office) -> None:
    """A $12 refund runs, a $4,800 one asks, one over the limit is refused, an unknown action is blocked and named (docs/rules.md: G5)."""
    assert office.agent.refund(12)["state"] == "approved"
    asked = office.agent.refund(4800)
    assert (asked["state"], asked["level"]) == ("pending", "hard_approval")
    assert asked["why"][0].startswith("$4,800 is above $500 (always_approve_above_usd) (actions.yml:")
    assert office.agent.refund(10_001)["state"] == "denied"
    assert office.agent.ask("launch_rocket")["state"] == "blocked"
    office.slack.expect_message("#ops", "launch_rocket")


SUMS = {"window_seconds": 3600, "per": "params.customer", "ask_above_usd": 200}


def test_ten_49_dollar_refunds_within_an_hour_ask(closed_office: Office) -> None:
    """Four refunds of $49 to one customer run, each further one within the hour asks, and another customer's runs."""
    opened(closed_office, process_refund=ACTIONS["process_refund"] | {"aggregate": SUMS})
    states = [closed_office.agent.refund(49)["state"] for _ in range(10)]
    assert states == ["approved"] * 4 + ["pending"] * 6
    assert closed_office.agent.refund(49, "other@example.com")["state"] == "approved"


def test_ten_49_dollar_refunds_at_once_ask_too(closed_office: Office) -> None:
    """Refunds that arrive at the same moment count each other: no more than four of ten run."""
    opened(closed_office, process_refund=ACTIONS["process_refund"] | {"aggregate": SUMS})
    agent = closed_office.agent
    made = closed_office.slack.together(*[lambda: agent.refund(49)["state"]] * 10)
    assert sorted(made) == ["approved"] * 4 + ["pending"] * 6


def test_the_first_uses_ask_until_they_were_used(closed_office: Office) -> None:
    """First uses count what was claimed: asking often does not help, and another agent starts anew."""
    opened(closed_office, wipe=FREE | {"first_uses": {"agent": 2}})
    waiting = [closed_office.agent.ask("wipe")["state"] for _ in range(3)]
    assert waiting == ["pending"] * 3
    for _ in range(2):
        used(closed_office, "wipe")
    assert closed_office.agent.ask("wipe")["state"] == "approved"
    assert closed_office.agent_called("other").ask("wipe")["state"] == "pending"


@on_sqlite
def test_the_first_uses_for_a_principal_ask(closed_office: Office) -> None:
    """Each principal's first use asks, however its name is spelled."""
    opened(closed_office, wipe=FREE | {"first_uses": {"user": 1}})
    used(closed_office, "wipe", on_behalf_of="Carol@example.com")
    assert closed_office.agent.ask("wipe", on_behalf_of="carol@example.com ")["state"] == "approved"
    assert closed_office.agent.ask("wipe", on_behalf_of="dan@example.com")["state"] == "pending"
    assert closed_office.agent.ask("wipe")["state"] == "pending", "who names nobody has a first use too"


def test_every_third_of_an_agent_is_looked_at(closed_office: Office) -> None:
    """Two run, then every further one asks until a person has decided one, whatever the session."""
    opened(closed_office, wipe=FREE | {"checkpoint_every": 3})

    def ask(session: str = "s") -> Json:
        return closed_office.agent.ask("wipe", session_id=session)

    made = [ask() for _ in range(4)]
    assert [one["state"] for one in made] == ["approved", "approved", "pending", "pending"]
    assert ask("t")["state"] == "pending"
    closed_office.agent.cancel(made[2])
    assert ask()["state"] == "pending"
    last = ask()
    closed_office.person("U0ALICE").click(closed_office.card(last), "approve")
    assert [ask()["state"] for _ in range(3)] == ["approved", "approved", "pending"]


def test_a_quota_denies_what_exceeds_it(closed_office: Office) -> None:
    """Three a day means three a day, also at once, for each agent."""
    opened(closed_office, wipe=FREE | {"quota": {"per_day": 3}})
    agent = closed_office.agent
    made = closed_office.slack.together(*[lambda: agent.ask("wipe")["state"]] * 6)
    assert sorted(made) == ["approved"] * 3 + ["denied"] * 3
    assert closed_office.agent_called("other").ask("wipe")["state"] == "approved"
    closed_office.advance(86_401)
    assert agent.ask("wipe")["state"] == "approved"


def test_ten_successes_are_proposed_and_never_applied(closed_office: Office) -> None:
    """Ten successes print a diff; only when the owner has written it into the file does the agent get more."""
    opened(closed_office, wipe=FREE | {"autonomy": {"start": "notify_only"}, "owner": "Head of wiping"})
    for _ in range(9):
        used(closed_office, "wipe")
    assert "no agent has earned" in command(closed_office.env, "policy", "propose").stdout
    used(closed_office, "wipe")
    assert closed_office.agent.ask("wipe")["level"] == "notify_only"
    told = command(closed_office.env, "policy", "propose")
    assert "# demo earned full_auto for wipe (now notify_only), to be accepted by Head of wiping" in told.stdout
    changed = [line for line in told.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    old, new = ("".join(f"{line[1:]}\n" for line in changed if line.startswith(sign)) for sign in ("-", "+"))
    before = closed_office.manifest.read_text()
    assert before.count(old) == 1
    closed_office.manifest.write_text(before.replace(old, new))
    closed_office.until(lambda: closed_office.agent.ask("wipe")["level"] == "full_auto", "the grant holds")


def test_replay_tries_a_manifest_on_what_was_asked(closed_office: Office) -> None:
    """Without a file of calls, replay judges the requests that the store remembers, labels included."""
    opened(closed_office)
    bad = closed_office.agent.refund(60)
    closed_office.agent.refund(12)
    closed_office.agent.label(bad, "incident")
    refund = ACTIONS["process_refund"]
    limits = refund["conditions"] | {"auto_approve_below_usd": 100}
    folder = closed_office.folder / "new"
    folder.mkdir()
    looser = write_manifest(folder, ACTIONS | {"process_refund": refund | {"conditions": limits}})
    told = command(closed_office.env, "policy", "replay", str(looser)).stdout
    assert "2 calls replayed" in told
    assert "1 calls end differently" in told
    assert "WARNING: 1 known incident would now run without anybody looking." in told


@on_sqlite
def test_own_rules_judge_edits_too(closed_office: Office) -> None:
    """An edit that a rule denies is refused inside the modal, with the rule's reason."""
    rule = {"when": "has(params.thing) && params.thing == 'core'", "then": "deny", "reason": "the core stays"}
    opened(closed_office, change_thing=PLAIN | {"rules": [rule]})
    denied = closed_office.agent.ask("change_thing", {"thing": "core"})
    assert denied["state"] == "denied"
    assert denied["why"][0].startswith("the core stays (actions.yml:")
    told = closed_office.agent.raw(
        "POST", "/route", json={"action": "change_thing", "params": {"thing": "core"}}
    ).json()
    assert told["why"] == denied["why"]
    made = closed_office.agent.ask("change_thing", {"thing": "edge"})
    form = closed_office.form("U0ALICE", closed_office.card(made), "edit").fill("param:thing", "core")
    assert "the core stays" in str(closed_office.person("U0ALICE").submit(form).errors)
    assert closed_office.person("U0ALICE").submit(form.fill("param:thing", "rim")).ok
    assert closed_office.agent.see(made)["state"] == "edited"


def test_two_failures_cost_a_level_and_operations_hear_of_it(closed_office: Office) -> None:
    """After two failures the agent is asked for, for good; the owner gives the level back with a later entry."""
    granted = {"start": "hard_approval", "agents": {"demo": {"level": "full_auto", "since": "2020-01-01"}}}
    opened(closed_office, wipe=FREE | {"autonomy": granted, "owner": "me"})
    used(closed_office, "wipe", "failed")
    last = used(closed_office, "wipe", "failed")
    closed_office.slack.expect_message("#ops", "demo failed 2 times within 24 h with wipe")
    rows = [line for line in closed_office.trail(last) if line["event"] == "result"]
    assert rows[0]["demoted_to"] == "notify_only"
    closed_office.advance(86_401)
    later = closed_office.agent.ask("wipe")
    assert (later["state"], later["level"]) == ("approved", "notify_only")
    assert "lost a level on" in later["why"][0]
    assert closed_office.agent_called("other").ask("wipe")["level"] == "hard_approval"
    closed_office.intact()


def test_by_rate_two_failures_cost_nothing_and_a_bad_stretch_does(closed_office: Office) -> None:
    """With `ratchet: sequential` two failures are no takeover; four in a row are one, for 24 h, also without levels of the action's own."""
    write_manifest(closed_office.folder, ACTIONS | {"wipe": FREE, "mop": FREE}, ratchet="sequential")
    closed_office.open()
    for number in range(4):
        last = used(closed_office, "wipe", "failed")
        lost = [line.get("demoted_to") for line in closed_office.trail(last) if line["event"] == "result"]
        assert lost == ["notify_only" if number == 3 else None]
    closed_office.slack.expect_message("#ops", "fails too often, with wipe")
    taken = closed_office.agent.ask("wipe")
    assert taken["level"] == "human_takeover"
    assert "this agent lost a level of this action within 24 h (ratchet: sequential)" in taken["why"][0]
    assert closed_office.agent.ask("mop")["state"] == "approved"
    closed_office.advance(86_401)
    assert closed_office.agent.ask("wipe")["state"] == "approved"
    closed_office.intact()


def test_a_grave_incident_costs_a_level_at_once(closed_office: Office) -> None:
    """By rate, what went wrong once with an irreversible action is enough, when somebody says so."""
    granted = {"start": "hard_approval", "agents": {"demo": {"level": "full_auto", "since": "2020-01-01"}}}
    wipe = FREE | {"autonomy": granted, "owner": "me", "ratchet": "sequential", "reversible": False}
    opened(closed_office, wipe=wipe | {"conditions": {"auto_approve_below_usd": 50}, "amount": "params.usd"})
    made = closed_office.agent.ask("wipe", {"thing": "x", "usd": 1})
    assert made["state"] == "approved"
    closed_office.agent.claim(made)
    closed_office.agent.result(made)
    closed_office.critic.label(made, "incident")
    assert [line["demoted_to"] for line in closed_office.trail(made) if line["event"] == "labelled"] == ["notify_only"]
    assert closed_office.agent.ask("wipe", {"thing": "y", "usd": 1})["level"] == "human_takeover"
    closed_office.intact()


def test_a_delegated_agent_gets_no_more_than_its_parent(closed_office: Office) -> None:
    """What the parent may not do its delegate may not either; the chain stands in the answer, the card and the audit (docs/rules.md: E6)."""
    opened(closed_office, wipe=FREE | {"blocked_agents": ["planner"]})
    planner, worker = closed_office.agent_called("planner"), closed_office.agent_called("worker")
    held = planner.refund(12)
    assert worker.ask("wipe")["state"] == "approved"
    for _ in range(2):
        planner.delegate(held, "worker")
    below = worker.ask("wipe", delegated_from=held["id"])
    assert below["state"] == "denied"
    assert below["delegation"] == [f"planner ({held['id']})"]
    assert below["why"][0] == f"acts for planner ({held['id']}), and planner itself would get no more"
    assert closed_office.trail(below)[0]["delegation"] == below["delegation"]
    assert closed_office.events(held)[-1:] == ["delegated"]
    helper = closed_office.agent_called("helper", under="planner")
    assert helper.ask("wipe", delegated_from="planner")["state"] == "denied"
    assert helper.ask("wipe")["delegation"] == ["planner"]
    middle = worker.refund(12, delegated_from=held["id"])
    grandchild = closed_office.agent_called("third")
    worker.delegate(middle, "third")
    third = grandchild.refund(480, delegated_from=middle["id"])
    assert third["delegation"] == [f"worker ({middle['id']})", f"planner ({held['id']})"]
    assert f"worker ({middle['id']}), who acts for planner" in closed_office.card(third).text()
    closed_office.intact()


@on_postgresql
def test_a_parent_that_gives_no_authority_is_refused(closed_office: Office) -> None:
    """An unknown name, or an approval that is pending, rejected, finished or lapsed, is a 422 that names the field."""
    opened(closed_office)
    planner, worker = closed_office.agent_called("planner"), closed_office.agent_called("worker")
    pending, done, lapsing = planner.refund(480), planner.refund(12), planner.refund(12)
    planner.claim(done)
    for approval in (done, lapsing):
        planner.delegate(approval, "worker")
    assert "approved" in planner.delegate(pending, "worker", status=409)["detail"]
    assert worker.refund(12, delegated_from=done["id"])["state"] == "approved"
    planner.result(done)
    closed_office.advance(901)
    for parent in ("nobody", pending["id"], done["id"], lapsing["id"]):
        problem = worker.refund(12, delegated_from=parent, status=422)
        assert problem["field"] == "delegated_from"
    assert worker.listing()["approvals"][0]["delegation"] == [f"planner ({done['id']})"]


def test_what_a_delegate_spends_counts_for_its_parent(closed_office: Office) -> None:
    """Delegates cannot spend their parent's limit twice: their sums and the parent's own are one, whoever asks next (docs/rules.md: E6)."""
    opened(closed_office, process_refund=ACTIONS["process_refund"] | {"aggregate": SUMS})
    planner = closed_office.agent_called("planner")
    first, second = (closed_office.agent_called(name, under="planner") for name in ("first", "second"))
    states = [one.refund(49, delegated_from="planner")["state"] for one in (first, second, first, second)]
    assert states == ["approved"] * 4
    over = closed_office.agent_called("third", under="planner").refund(49, delegated_from="planner")
    assert over["state"] == "pending"
    assert over["why"][0] == "acts for planner, and planner itself would get no more"
    assert "is above $200" in planner.refund(49)["why"][0]
    assert first.refund(49)["state"] == "pending", "what an operator put under another never acts on its own"
    assert planner.refund(49, "other@example.com")["state"] == "approved"


def test_delegates_that_ask_at_once_count_each_other(closed_office: Office) -> None:
    """Ten delegates of one parent at the same moment: no more than four of them run."""
    opened(closed_office, process_refund=ACTIONS["process_refund"] | {"aggregate": SUMS})
    closed_office.agent_called("planner")
    crowd = [closed_office.agent_called(f"worker-{number}", under="planner") for number in range(10)]
    acts = [lambda one=one: one.refund(49, delegated_from="planner")["state"] for one in crowd]
    assert sorted(closed_office.slack.together(*acts)) == ["approved"] * 4 + ["pending"] * 6


def test_an_edit_changes_what_counts_in_the_sum(closed_office: Office) -> None:
    """After an edit the sum holds the amount that was granted, not the one that was asked."""
    opened(closed_office, process_refund=ACTIONS["process_refund"] | {"aggregate": SUMS | {"ask_above_usd": 320}})
    made = closed_office.agent.refund(310)
    form = closed_office.form("U0ALICE", closed_office.card(made), "edit").fill("param:amount_usd", "200")
    assert closed_office.person("U0ALICE").submit(form).ok
    assert closed_office.agent.see(made)["state"] == "edited"
    assert closed_office.agent.refund(40)["state"] == "approved", "240 is not above 320"


def test_an_edit_that_a_rule_wants_taken_over_is_for_another_person(closed_office: Office) -> None:
    """An edit that newly meets a takeover rule is recorded and open; nobody can approve or edit it any more."""
    rule = {"when": "has(params.thing) && params.thing == 'core'", "then": "takeover", "reason": "the core by hand"}
    opened(closed_office, change_thing=PLAIN | {"rules": [rule]})
    made = closed_office.agent.ask("change_thing", {"thing": "edge"})
    card = closed_office.card(made)
    form = closed_office.form("U0ALICE", card, "edit").fill("param:thing", "core")
    late = closed_office.form("U0BOB", card, "edit").fill("param:thing", "rim")
    assert closed_office.person("U0ALICE").submit(form).ok
    waiting = closed_office.agent.see(made)
    assert (waiting["state"], waiting["level"], waiting["params"]) == ("pending", "human_takeover", {"thing": "core"})
    changed = closed_office.slack.expect_update(card, contains="by hand")
    assert changed.has("take_over")
    assert not changed.has("approve")
    closed_office.person("U0BOB").submit(late)
    closed_office.person("U0BOB").click_stale(card, "approve")
    assert closed_office.agent.see(made) == waiting
    form = closed_office.form("U0BOB", changed, "take_over")
    assert closed_office.person("U0BOB").submit(form).ok
    assert closed_office.agent.see(made)["state"] == "taken_over"


@on_sqlite
def test_an_edit_that_a_rule_asks_about_needs_another_person(closed_office: Office) -> None:
    """An edit that newly meets a rule of one's own waits for somebody else, like one that passes an amount."""
    rule = {"when": "has(params.thing) && params.thing == 'core'", "then": "ask", "reason": "the core is asked about"}
    opened(closed_office, change_thing=PLAIN | {"rules": [rule]})
    made = closed_office.agent.ask("change_thing", {"thing": "edge"})
    card = closed_office.card(made)
    form = closed_office.form("U0ALICE", card, "edit").fill("param:thing", "core")
    assert closed_office.person("U0ALICE").submit(form).ok
    changed = closed_office.slack.expect_update(card, contains="core")
    closed_office.person("U0ALICE").click(changed, "approve")
    closed_office.person("U0ALICE").expect_ephemeral("another person")
    closed_office.person("U0BOB").click(changed, "approve")
    assert closed_office.agent.see(made)["decision"]["by"] == "U0BOB"
