"""Who somebody is, however they are spelled: a person is one principal, whatever accounts they have."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from policies.errors import InvalidInput
from policies.spelling import folded

EXTERNAL = "external:"
FIELD = "on_behalf_of"


@dataclass(frozen=True, slots=True)
class Account:
    """One Slack account, with what the roster and Slack say of whose it is."""

    user: str
    principal: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody a request is for. `name` is what is shown, counted and compared; `names` is all that they were known by."""

    name: str
    names: frozenset[str]

    @property
    def external(self) -> bool:
        """Whether this is nobody of the house."""
        return self.name.startswith(EXTERNAL)


@dataclass(frozen=True, slots=True)
class Identity:
    """One person: the name that counts, every name they are known by, their accounts, and whether anything but the
    account itself says who they are."""

    name: str
    names: frozenset[str]
    accounts: tuple[str, ...]
    identified: bool

    @property
    def principal(self) -> Principal:
        """This person as somebody a request is for."""
        return Principal(self.name, self.names)


class UnknownPrincipal(InvalidInput):
    """The name of nobody that Sayso knows; `name` is how it was understood."""

    def __init__(self, name: str, *, field: str = FIELD) -> None:
        super().__init__(
            "names nobody that Sayso knows: give the principal that the roster has, a Slack user id, or the e-mail"
            " address of somebody Sayso has met; somebody outside your organisation is written external:NAME",
            field=field,
        )
        self.name = name


class Register:
    """Everybody Sayso knows. Accounts that share a name (roster principal, e-mail address, user id) are one person."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._by_user: dict[str, Identity] = {}
        self._by_name: dict[str, Identity] = {}
        for group in _grouped(accounts):
            identity = _identity(group)
            self._by_user.update(dict.fromkeys(identity.accounts, identity))
            self._by_name.update(dict.fromkeys(identity.names, identity))

    def of(self, user: str) -> Identity:
        """Whose account this is; an account of which nothing is known is nobody's but its own."""
        return self._by_user.get(user) or _identity([Account(user)])

    def named(self, text: str) -> Identity | None:
        """Whoever goes by this name, in whatever spelling; None where nobody does."""
        return self._by_name.get(spelled(text))

    def principal(self, text: str, *, field: str = FIELD) -> Principal:
        """Whom a request names; raises UnknownPrincipal, and InvalidInput for somebody of the house behind `external:`."""
        name = spelled(text)
        if name.startswith(EXTERNAL):
            return self._external(name, field)
        found = self._by_name.get(name)
        if found is None:
            raise UnknownPrincipal(name, field=field)
        return found.principal

    def _external(self, name: str, field: str) -> Principal:
        rest = name
        while rest.startswith(EXTERNAL):
            rest = spelled(rest.removeprefix(EXTERNAL))
        if not rest:
            raise InvalidInput("says external: and names nobody", field=field)
        if self._of_the_house(rest):
            raise InvalidInput("names somebody of the house behind external:", field=field)
        return Principal(EXTERNAL + rest, frozenset({rest, EXTERNAL + rest}))

    @cached_property
    def _outlines(self) -> frozenset[str]:
        return frozenset(outlined(name) for name in self._by_name)

    def _of_the_house(self, text: str) -> bool:
        """Whether somebody of the house goes by this name, by one that looks like it, or by an address within it."""
        if outlined(text) in self._outlines:
            return True
        parts = (outlined(part) for part in _PARTS.split(text))
        return any(part in self._outlines for part in parts if "@" in part or _USER.fullmatch(part))


_PARTS = re.compile(r"[\s<>()\[\]{}\"',;|:/=?&]+")
_USER = re.compile(r"[uw][a-z0-9]{3,}")
_WRAPPED = re.compile(r"<(?:@|mailto:)?([^|<>]*)(?:\|[^<>]*)?>")


@lru_cache(maxsize=16_384)
def spelled(text: str) -> str:
    """A name as it is compared: folded, and without what mail programs and Slack put around it."""
    name = folded(text)
    while True:
        before = name
        wrapped = _WRAPPED.fullmatch(name)
        if wrapped:
            name = wrapped[1]
        name = name.removeprefix("mailto:")
        if _USER.fullmatch(name[1:]):
            name = name.removeprefix("@")
        name = folded(name)
        if name == before:
            return name


# Letters of other scripts (Cyrillic, Greek, rare Latin) that are drawn like these.
_DRAWN_LIKE = {
    "a": "\u0430\u0251\u03b1",
    "b": "\u0432\u03b2",
    "c": "\u0441",
    "d": "\u0501",
    "e": "\u0435\u03b5",
    "g": "\u0261",
    "h": "\u04bb\u043d",
    "i": "\u0456\u0457\u03b9\u0131",
    "j": "\u0458",
    "k": "\u043a\u03ba",
    "l": "\u0142",
    "m": "\u043c",
    "n": "\u03b7",
    "o": "\u043e\u03bf\u00f8",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "r": "\u0433",
    "s": "\u0455",
    "t": "\u0442\u03c4",
    "u": "\u03bc\u03c5",
    "v": "\u03bd",
    "w": "\u051d",
    "x": "\u0445\u03c7",
    "y": "\u0443\u03b3",
}
_LOOKALIKES = str.maketrans({char: latin for latin, others in _DRAWN_LIKE.items() for char in others})


def outlined(name: str) -> str:
    """What a name looks like at a glance: letters of other scripts as the Latin ones they are drawn like, no accents,
    nothing after a plus sign, no dots at the end."""
    bare = "".join(char for char in unicodedata.normalize("NFD", folded(name)) if not unicodedata.combining(char))
    local, at, domain = folded(bare.translate(_LOOKALIKES)).partition("@")
    local = local.partition("+")[0] if at else local
    return f"{local.strip()}{at}{domain.strip()}".rstrip(". ")


def own(names: Collection[str], principals: Iterable[Principal]) -> bool:
    """Whether somebody known by `names` is one of those a request is for."""
    return any(not principal.names.isdisjoint(names) for principal in principals)


def of_old(text: str | None) -> tuple[Principal, ...]:
    """Whom a request was for that was stored before its principals were."""
    return (Principal(spelled(text), frozenset({spelled(text)})),) if text else ()


def by_person(register: Register, roles: Mapping[str, Collection[str]]) -> dict[str, frozenset[str]]:
    """The same accounts as people: each person once, with the roles of all their accounts among these."""
    found: dict[str, frozenset[str]] = {}
    for user, held in roles.items():
        person = register.of(user).name
        found[person] = found.get(person, frozenset()).union(held)
    return found


def _identity(group: list[Account]) -> Identity:
    users = sorted({account.user for account in group})
    principals = sorted({spelled(account.principal) for account in group if account.principal} - {""})
    emails = sorted({spelled(account.email) for account in group if account.email} - {""})
    ids = [user.casefold() for user in users]
    names = [*principals, *emails, *ids]
    return Identity(names[0], frozenset(names), tuple(users), identified=bool(principals or emails))


def _grouped(accounts: Iterable[Account]) -> Iterator[list[Account]]:
    """Accounts that share a name, directly or through others."""
    group_of: dict[str, list[Account]] = {}
    for account in accounts:
        names = _identity([account]).names
        joined, touched = [account], {id(group_of[name]): group_of[name] for name in names if name in group_of}
        reached = set(names)
        for group in touched.values():
            joined += group
            reached |= {name for one in group for name in _identity([one]).names}
        group_of.update(dict.fromkeys(reached, joined))
    yield from {id(group): group for group in group_of.values()}.values()
