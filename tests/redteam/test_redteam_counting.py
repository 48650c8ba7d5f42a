"""An agent asks for everything at once, on every server there is: what is counted holds all the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.agent import Agent, Json
from support.files import PLAIN, REFUND, write_manifest
from support.marks import on_postgresql
from support.office import Office
from support.races import at_once
from support.servers import ProcessServer, free_port

SERVERS = 3
FREE: Json = PLAIN | {"severity": "low", "approval_required": False}
PAY: Json = REFUND | {"conditions": {}, "params_schema": None}
ACTIONS: dict[str, Json] = {
    "pay": PAY | {"aggregate": {"window_seconds": 3600, "per": "params.customer", "deny_above_usd": 20_000}},
    "pay_anybody": PAY
    | {"aggregate": {"window_seconds": 3600, "per": "params.customer", "total_deny_above_usd": 20_000}},
    "pay_small": PAY
    | {
        "conditions": {"auto_approve_below_usd": 50},
        "aggregate": {"window_seconds": 3600, "per": "params.customer", "ask_above_usd": 200},
    },
    "ration": PLAIN | {"quota": {"per_day": 5}},
    "watched": FREE | {"checkpoint_every": 4},
    "change_thing": PLAIN,
}
Ask = Callable[[Agent, int], Json]


class Farm:
    """One agent, and as many servers as can be asked."""

    def __init__(self, office: Office, urls: list[str]) -> None:
        self.office, self.urls = office, urls

    def at_once(self, count: int, ask: Callable[[Agent, int], int | str], name: str = "demo") -> Counter[int | str]:
        """Ask `count` times at the same moment, each server in turn; how often each answer came."""
        token = self.office.agent_called(name, url=self.urls[0]).token
        clients = [Agent(self.urls[number % len(self.urls)], token) for number in range(count)]
        for client in clients:
            client.raw("GET", "/approvals?limit=1")  # connected before it begins
        works = [lambda client=client, number=number: ask(client, number) for number, client in enumerate(clients)]
        try:
            return Counter(at_once(works))
        finally:
            for client in clients:
                client.close()


def opened(office: Office, database_kind: str, limits: Json) -> Iterator[Farm]:
    """Three processes on PostgreSQL, the threads of one server on SQLite."""
    office.manifest = write_manifest(office.folder, ACTIONS, limits=limits)
    if database_kind == "sqlite":
        office.open()
        yield Farm(office, [office.server.url])
        return
    first = office.open_process()
    more = [ProcessServer(office.env, office.folder, port=free_port(), forked=True) for _ in range(SERVERS - 1)]
    yield Farm(office, [server.url for server in (first, *more)])
    for server in more:
        server.kill()


@pytest.fixture
def farm(closed_office: Office, database_kind: str) -> Iterator[Farm]:
    """A farm without limits that matter."""
    yield from opened(closed_office, database_kind, {"creates_per_minute": 1000, "pending": 500})


@pytest.fixture
def small_farm(closed_office: Office, database_kind: str) -> Iterator[Farm]:
    """A farm with the limits that an agent has by default, or nearly."""
    yield from opened(closed_office, database_kind, {"creates_per_minute": 60, "pending": 20})


def state_of(action: str, **params: object) -> Callable[[Agent, int], str]:
    """What becomes of one ask."""
    return lambda agent, number: str(agent.ask(action, dict(params))["state"])


def test_eight_large_asks_at_once_pass_a_sum_no_further_than_two(farm: Farm) -> None:
    """Eight asks of $9,000 to one customer at once under a limit of $20,000: two reach people, six are denied."""
    assert farm.at_once(8, state_of("pay", customer="ann", amount_usd=9000)) == {"pending": 2, "denied": 6}
    assert (
        farm.office.agent_called("demo", url=farm.urls[0]).ask("pay", {"customer": "ann", "amount_usd": 2001})["state"]
        == "denied"
    )


def test_eight_customers_at_once_pass_the_sum_of_all_no_further_than_two(farm: Farm) -> None:
    """The same to eight customers, under a limit over all of them."""

    def ask(agent: Agent, number: int) -> str:
        return str(agent.ask("pay_anybody", {"customer": f"customer {number}", "amount_usd": 9000})["state"])

    assert farm.at_once(8, ask) == {"pending": 2, "denied": 6}


def test_small_ones_at_once_run_no_further_than_one_by_one(farm: Farm) -> None:
    """Twelve refunds of $49 at once, spelled in twelve ways: four run, and the others ask."""
    spellings = [
        "Ann",
        "ANN ",
        "a\u200bnn",
        "\uff21nn",
        " ann",
        "anN",
        "an\u00adn",
        "ann\t",
        "ANN",
        "ann",
        "Ann\u2060",
        "aNN",
    ]

    def ask(agent: Agent, number: int) -> str:
        return str(agent.ask("pay_small", {"customer": spellings[number], "amount_usd": 49})["state"])

    assert farm.at_once(12, ask) == {"approved": 4, "pending": 8}


def test_fifteen_at_once_do_not_beat_a_quota_of_five(farm: Farm) -> None:
    """Of fifteen asks at once five reach people; another agent has a quota of its own."""
    assert farm.at_once(15, state_of("ration", thing="x")) == {"pending": 5, "denied": 10}
    assert farm.at_once(6, state_of("ration", thing="x"), "other") == {"pending": 5, "denied": 1}


def test_at_once_no_more_run_unseen_than_a_checkpoint_lets(farm: Farm) -> None:
    """Of twelve at once, each in a session of its own, three run before a person has looked."""

    def ask(agent: Agent, number: int) -> str:
        return str(agent.ask("watched", {"thing": "x"}, session_id=f"fresh {number}")["state"])

    assert farm.at_once(12, ask) == {"approved": 3, "pending": 9}


def test_a_minute_has_sixty_creates_on_any_number_of_servers(small_farm: Farm) -> None:
    """Ninety asks at once for what policy denies: sixty are answered, thirty get 429."""

    def ask(agent: Agent, number: int) -> int:
        body = {"action": "no_such_action", "params": {}}
        return agent.raw("POST", "/approvals", json=body, headers={"Idempotency-Key": f"key {number}"}).status_code

    assert small_farm.at_once(90, ask) == {201: 60, 429: 30}


def test_twenty_wait_at_once_and_no_more(small_farm: Farm) -> None:
    """Thirty asks for a person at once: twenty may wait, ten get 429."""

    def ask(agent: Agent, number: int) -> int:
        body = {"action": "change_thing", "params": {"thing": f"{number}"}}
        return agent.raw("POST", "/approvals", json=body, headers={"Idempotency-Key": f"key {number}"}).status_code

    assert small_farm.at_once(30, ask) == {201: 20, 429: 10}


def test_one_key_at_once_is_one_request(farm: Farm) -> None:
    """The same key and body ten times at once, everywhere: one approval, and one share of the quota."""

    def ask(agent: Agent, number: int) -> str:
        return str(
            agent.raw(
                "POST",
                "/approvals",
                json={"action": "ration", "params": {"thing": "x"}},
                headers={"Idempotency-Key": "one"},
            ).json()["id"]
        )

    assert list(farm.at_once(10, ask).values()) == [10]
    assert farm.at_once(5, state_of("ration", thing="x")) == {"pending": 4, "denied": 1}


@on_postgresql
def test_parents_and_children_that_ask_at_once_wait_for_each_other_and_end(farm: Farm) -> None:
    """A parent and its children at once, on three servers: no deadlock, and together they stay within the parent's limit."""
    parent = farm.office.agent_called("parent", url=farm.urls[0])
    children = [farm.office.agent_called(f"child {n}", url=farm.urls[n % SERVERS], under="parent") for n in range(4)]
    everybody = [parent, *children]

    def work(agent: Agent) -> list[str]:
        return [str(agent.ask("pay", {"customer": "ann", "amount_usd": 3000})["state"]) for _ in range(4)]

    states = Counter(state for found in at_once([lambda one=one: work(one) for one in everybody]) for state in found)
    assert states == {"pending": 6, "denied": 14}


def test_edits_at_once_do_not_pass_a_sum(closed_office: Office, tmp_path: Path) -> None:
    """Two people raise two requests to $9,000 each at the same moment, under a limit of $20,000 of which $4,000 are spent:
    one edit stands, the other is refused in its form."""
    office = closed_office
    limit = {"window_seconds": 3600, "per": "params.customer", "deny_above_usd": 20_000}
    schema = {"type": "object", "properties": {"customer": {"type": "string"}, "amount_usd": {"type": "number"}}}
    office.manifest = write_manifest(
        office.folder, {"pay": PAY | {"reversible": True, "aggregate": limit, "params_schema": schema}}
    )
    office.open()
    asks = [office.agent.ask("pay", {"customer": "ann", "amount_usd": amount}) for amount in (100, 101)]
    office.agent.ask("pay", {"customer": "ann", "amount_usd": 4000})
    people = ("U0ALICE", "U0BOB")
    forms = [
        office.form(user, office.card(one), "edit").fill("param:amount_usd", "9000")
        for user, one in zip(people, asks, strict=True)
    ]
    both = zip(people, forms, strict=True)
    done = at_once([lambda user=user, form=form: office.person(user).submit(form) for user, form in both])
    assert sorted(bool(one.ok) for one in done) == [False, True]
    assert "aggregate.deny_above_usd" in str(next(one for one in done if not one.ok).errors)
