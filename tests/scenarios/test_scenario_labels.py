"""How something turned out, told by people: with `/sayso label` and from the details; and whoever said yes hears of an incident."""

from __future__ import annotations

from support.agent import Json
from support.marks import on_sqlite
from support.office import Office

from store.tables import labels

PATIENCE = 20.0


def done(office: Office, action: str = "change_thing", by: tuple[str, ...] = ("U0BOB",)) -> Json:
    """Something that people approved and the agent did."""
    thing = office.agent.ask(action, {"thing": "door"})
    for user in by:
        office.person(user).click(office.card(thing, timeout=PATIENCE), "approve")
    office.agent.claim(thing)
    return office.agent.result(thing)


def kept(office: Office, thing: Json) -> list[tuple[str, str, str | None]]:
    """Its labels, whose, and why."""
    query = labels.select().where(labels.c.approval_id == thing["id"]).order_by(labels.c.id)
    return [(row.label, row.by, row.detail) for row in office.database.read(lambda unit: unit.execute(query).all())]


def said(office: Office, words: str, user: str = "U0ALICE") -> str:
    """What `/sayso label` answers."""
    reply = office.person(user).command("/sayso", f"label {words}").reply
    assert reply is not None
    return reply.text()


def told(office: Office, user: str) -> int:
    """How often somebody was told of a later incident."""
    return sum("Later called an incident" in message.text() for message in office.slack.messages(user))


def test_whoever_said_yes_is_told_once_of_a_later_incident(office: Office) -> None:
    """Alice calls it an incident: Bob, who said yes, reads what went wrong in a message of his own, without blame and once."""
    thing = done(office)
    assert "Kept as incident" in said(office, f"{thing['id']} incident The wrong door <b>")
    message = office.slack.expect_message("U0BOB", contains="Later called an incident", timeout=PATIENCE)
    assert "The wrong door <b>" in message.text()
    assert "not a reproach" in message.text()
    assert "@alice" in message.text()
    office.critic.label(thing, "incident")
    office.agent.label(thing, "incident")
    assert said(office, f"{thing['id']} incident Again").startswith("Kept")
    for _ in range(2):
        office.advance(1)
    assert (told(office, "U0BOB"), told(office, "U0ALICE")) == (1, 0)
    assert kept(office, thing) == [
        ("incident", "U0ALICE", "The wrong door <b>"),
        ("incident", "labeller:critic", None),
        ("incident", "agent:demo", None),
    ]
    office.intact()


@on_sqlite
def test_everybody_of_a_quorum_is_told_but_whoever_says_it(office: Office) -> None:
    """Two said yes; one of them finds out: the other is told."""
    thing = done(office, "pay_twice", ("U0ALICE", "U0BOB"))
    said(office, f"{thing['id']} incident Paid twice", "U0ALICE")
    office.slack.expect_message("U0BOB", contains="Later called an incident", timeout=PATIENCE)
    assert told(office, "U0ALICE") == 0


@on_sqlite
def test_labels_from_the_details(office: Office) -> None:
    """The details of what ran ask how it turned out; an incident wants to know why; the answer is kept under the name."""
    thing = done(office)
    settled = office.slack.expect_card(approval_id=thing["id"], contains="Done", timeout=PATIENCE)
    bob = office.person("U0BOB")
    assert not office.form("U0DAN", settled, "details").has("label")
    office.person("U0DAN").close(everything=True)
    form = bob.click(office.form("U0BOB", settled, "details"), "label").modal
    bob.submit(form.fill("label", "incident"), force=True)
    assert kept(office, thing) == []
    assert bob.submit(form.fill("label", "incident").fill("note", "Wrong door")).ok
    assert kept(office, thing) == [("incident", "U0BOB", "Wrong door")]
    assert told(office, "U0BOB") == 0, "who says it knows it"


@on_sqlite
def test_what_cannot_be_said_is_refused_in_words(office: Office) -> None:
    """An unknown word, an incident without a reason, a stranger to the role, an id that is none, and what never ran: nothing is kept."""
    waiting = office.agent.ask("change_thing", {"thing": "door"})
    thing = done(office)
    assert "use /sayso label ID" in said(office, "")
    assert "use /sayso label ID" in said(office, thing["id"])
    assert "must be one of correct, incident, reverted" in said(office, f"{thing['id']} great")
    assert "what went wrong" in said(office, f"{thing['id']} incident")
    assert "no such approval" in said(office, "apr_none correct")
    assert "Only members of" in said(office, f"{thing['id']} correct", "U0DAN")
    assert "did not run to its end (it is pending)" in said(office, f"{waiting['id']} correct")
    assert kept(office, thing) == kept(office, waiting) == []
    assert office.events(thing).count("refused") == 1
    assert "Kept as correct" in said(office, f"`{thing['id']}` CORRECT", "U0ADMIN")
    assert kept(office, thing) == [("correct", "U0ADMIN", None)]
    assert office.events(thing).count("labelled") == 1
    office.intact()
