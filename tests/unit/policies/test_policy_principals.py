"""Who somebody is, however they are spelled, and that nobody is two people."""

from __future__ import annotations

import contextlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import InvalidInput
from policies.principals import Account, Principal, Register, UnknownPrincipal, by_person, own, spelled
from policies.spelling import folded

HOUSE = Register(
    [
        Account("U0ALICE", "alice@example.com", "alice@example.com"),
        Account("U0BOB", None, "Bob@Example.com"),
        Account("U0DAN"),
        Account("U0FINN", "finn", None),
    ]
)
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u061c\u180e\u202e\u2066\u115f\u3164\ufe0f\U000e0041"
blanks = st.text(" \t\n\u00a0\u2003\u3000", max_size=3)


@st.composite
def spellings(draw: st.DrawFn, name: str) -> str:
    """The name with another case, width, unseen characters and blanks, and what programs put around it."""
    letters = []
    for letter in name:
        letter = draw(st.sampled_from([letter, letter.upper(), letter.lower()]))
        wide = chr(ord(letter) + 0xFEE0) if letter.isalnum() or letter in "@." else letter
        letters.append(draw(st.sampled_from([letter, wide])) + draw(st.sampled_from(["", *UNSEEN])))
    text = draw(st.sampled_from(["", *UNSEEN])) + "".join(letters)
    around = ["{}", "mailto:{}", "MailTo: {}", "<mailto:{}|{}>", "<mailto:{}>", "<{}>"]
    if "@" not in name:
        around = ["{}", "@{}", "<@{}>", "<@{}|alice>"]
    return draw(blanks) + draw(st.sampled_from(around)).replace("{}", text) + draw(blanks)


@given(st.sampled_from(["alice@example.com", "U0ALICE"]).flatmap(spellings))
def test_every_spelling_of_a_name_is_that_person(text: str) -> None:
    """Case, width, blanks, what cannot be seen and what programs put around a name change nothing about who it is."""
    assert HOUSE.principal(text) == HOUSE.of("U0ALICE").principal


@given(st.sampled_from(["alice@example.com", "U0ALICE", "bob@example.com"]).flatmap(spellings))
def test_nobody_of_the_house_is_external(text: str) -> None:
    """However somebody of the house is spelled, they cannot be named as nobody of the house."""
    with pytest.raises(InvalidInput, match="of the house"):
        HOUSE.principal(f"external:{text}")


@given(st.text(max_size=60))
def test_any_text_is_somebody_known_or_refused(text: str) -> None:
    """What is accepted without `external:` names somebody that Sayso knows; everything else names the field."""
    known = {HOUSE.of(user).principal for user in ("U0ALICE", "U0BOB", "U0DAN", "U0FINN")}
    with contextlib.suppress(InvalidInput):
        found = HOUSE.principal(text)
        assert found.external or found in known


@given(st.text(max_size=40))
def test_folding_again_changes_nothing(text: str) -> None:
    """A folded name stays as it is, in NFKC, and holds no format character."""
    once = folded(text)
    assert folded(once) == once
    assert unicodedata.is_normalized("NFKC", once)
    assert not any(unicodedata.category(char) == "Cf" for char in once)
    assert spelled(spelled(text)) == spelled(text)


@pytest.mark.parametrize(
    "text",
    [
        "eve@example.com",
        "аlice@example.com",
        "alicе@example.com",
        "al\u0131ce@example.com",
        "alice@example.com.",
        "alice @example.com",
        "alice+x@example.com",
        "alice",
        "@alice",
        "U0NOBODY",
        "<@U0NOBODY>",
        "Alice <alice@example.com>",
        "alice@example.com,bob@example.com",
        "alice@example.com\x00",
        "policy",
        "operator",
        "",
        "  ",
        "\u200b",
        "external:",
        "external: \u200b",
        "external:external:",
    ],
)
def test_what_names_nobody_is_refused(text: str) -> None:
    """A name that only looks like somebody's, or is nobody's, is refused with the field."""
    with pytest.raises(InvalidInput) as refusal:
        HOUSE.principal(text)
    assert refusal.value.field == "on_behalf_of"


@pytest.mark.parametrize(
    "text",
    [
        "external:alice@example.com",
        "EXTERNAL:Alice@Example.com",
        "ｅｘｔｅｒｎａｌ：alice@example.com",
        " external: external: <@U0ALICE> ",
        "external:mailto:bob@example.com",
        "external:u0dan",
        "external:finn",
        "external:alice@example.com.",
        "external:alice+refunds@example.com",
        "external:аlice@example.com",
        "external:álice@example.com",
        "external:Alice Adler <alice@example.com>",
        "external:alice@example.com (a customer)",
        "external:the account U0ALICE",
    ],
)
def test_external_is_no_way_round(text: str) -> None:
    """Somebody of the house behind `external:`, or a name that looks like theirs, is refused."""
    with pytest.raises(InvalidInput, match="of the house"):
        HOUSE.principal(text)


def test_whoever_is_nobody_of_the_house_is_shown_so() -> None:
    """An external name is kept folded, and nobody of the house is held to be it."""
    found = HOUSE.principal(" External: Ann@Customer.example ")
    assert found == Principal("external:ann@customer.example", frozenset({"ann@customer.example", found.name}))
    assert found.external
    assert not own(HOUSE.of("U0ALICE").names, [found])
    joined = Register([Account("U0ANN", None, "ann@customer.example")])
    assert own(joined.of("U0ANN").names, [found]), "who joins the house later is still the one it was asked for"


@pytest.mark.parametrize(
    "accounts",
    [
        [Account("U1", "ann@example.com"), Account("U2", " ANN@example.com")],
        [Account("U1", None, "ann@example.com"), Account("U2", None, "Ann@Example.com")],
        [Account("U1", "ann@example.com"), Account("U2", None, "ann@example.com")],
        [Account("U1", "ann", "a1@example.com"), Account("U2", "ann", "a2@example.com")],
        [Account("U1"), Account("U2", "<@U1>")],
        [Account("U1", "ann", "x@example.com"), Account("U2", "x@example.com", "y@example.com")],
        [Account("U1", "a"), Account("U3", "b"), Account("U2", "a", "b")],
    ],
)
def test_accounts_that_share_a_name_are_one_person(accounts: list[Account]) -> None:
    """By principal, e-mail address or id, directly or through a third account: one person, whichever came first."""
    for order in (accounts, accounts[::-1]):
        register = Register(order)
        one, other = register.of("U1"), register.of("U2")
        assert one == other
        assert set(one.accounts) == {account.user for account in accounts}
        assert own(other.names, [register.principal("U1")])
        assert len(by_person(register, {"U1": ["finance"], "U2": ["legal"]})) == 1


def test_who_they_are_counts_with_the_roles_of_all_their_accounts() -> None:
    """Two accounts are one person who holds what either holds; others stay themselves."""
    register = Register([Account("U1", "ann"), Account("U2", "ann"), Account("U3", "bob")])
    found = by_person(register, {"U1": ["finance"], "U2": ["legal"], "U3": ["finance"], "U9": ["finance"]})
    assert found == {"ann": {"finance", "legal"}, "bob": {"finance"}, "u9": {"finance"}}


def test_nothing_but_an_account_identifies_nobody() -> None:
    """An account without principal and e-mail address is known, and says nothing of who it is."""
    assert not HOUSE.of("U0DAN").identified
    assert not HOUSE.of("U0NEVERSEEN").identified
    assert all(HOUSE.of(user).identified for user in ("U0ALICE", "U0BOB", "U0FINN"))
    assert HOUSE.principal("U0DAN").name == "u0dan"


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", *"pqrs"]), st.sampled_from(["", *"pqrs"])), max_size=8
    )
)
def test_people_never_overlap(rows: list[tuple[str, str, str]]) -> None:
    """Whatever roster and Slack say, no name belongs to two people, and every account to exactly one."""
    accounts = [Account(f"U{user}", name or None, email or None) for user, name, email in rows]
    register = Register(accounts)
    people = {register.of(account.user) for account in accounts}
    names = [name for person in people for name in person.names]
    assert len(names) == len(set(names))
    for account in accounts:
        for name in filter(None, (account.user, account.principal, account.email)):
            assert register.principal(name).names == register.of(account.user).names


def test_an_unknown_name_says_how_it_was_understood() -> None:
    """What nobody goes by comes back as it is compared, so that Slack can be asked about it."""
    with pytest.raises(UnknownPrincipal) as refusal:
        HOUSE.principal(" <@U0EVE|eve> ")
    assert refusal.value.name == "u0eve"
