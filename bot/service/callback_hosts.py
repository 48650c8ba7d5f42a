"""Which addresses a callback may go to: listed hosts only, and of the network only what is public or listed (docs/rules.md: B3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from policies.errors import InvalidInput

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_LOOPBACK_NAME = "localhost"
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
# Unicast that is routed on the Internet, without the prefixes that carry an IPv4 address inside.
_GLOBAL_V6 = IPv6Network("2000::/3")
_CARRYING_V4 = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))


class Forbidden(Exception):
    """A callback may not go there."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """The hosts that were listed, each with its port (443 where none was given), and the networks."""

    places: frozenset[tuple[str, int]] = frozenset()
    plain: frozenset[tuple[str, int]] = frozenset()  # listed loopback: plain http may be used, in development
    networks: tuple[Network, ...] = field(default=())

    def check(self, url: str) -> tuple[str, int]:
        """The host and port of a callback's address; raises InvalidInput for what is not listed."""
        host, port, scheme = _split(url)
        if not self.places:
            raise InvalidInput("callbacks are not enabled on this server (SAYSO_CALLBACK_HOSTS)", field="callback_url")
        if (host, port) not in self.places:
            raise InvalidInput("its host is not one of SAYSO_CALLBACK_HOSTS", field="callback_url")
        if scheme != "https" and (host, port) not in self.plain:
            raise InvalidInput("must be https", field="callback_url")
        return host, port

    def require(self, addresses: Iterable[str]) -> None:
        """Raise Forbidden unless every one of these addresses may be connected to."""
        refused = [address for address in addresses if not self._may_connect(address)]
        if refused:
            raise Forbidden(f"{refused[0]} is not a public address")

    def _may_connect(self, text: str) -> bool:
        address = _plain(ip_address(text))
        if any(address.version == network.version and address in network for network in self.networks):
            return True
        return public(address)


def public(address: Address) -> bool:
    """Whether an address is routed on the Internet: not private, loopback, link-local, shared, reserved or multicast."""
    if address.is_multicast or not address.is_global:
        return False
    if isinstance(address, IPv4Address):
        return True
    return address in _GLOBAL_V6 and not any(address in network for network in _CARRYING_V4)


def is_literal(host: str) -> bool:
    """Whether a host is an address already, so that there is nothing to look up."""
    return _literal(host) is not None


def _plain(address: Address) -> Address:
    """An IPv4 address that is dressed as IPv6 counts as what it is."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _split(url: str) -> tuple[str, int, str]:
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in url):
        raise InvalidInput("must not hold spaces, backslashes or control characters", field="callback_url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInput("is not a URL", field="callback_url") from None
    if parts.username is not None or parts.password is not None or not parts.hostname or port == 0:
        raise InvalidInput("must name a host and no credentials", field="callback_url")
    return parts.hostname.rstrip("."), port or (443 if parts.scheme == "https" else 80), parts.scheme


def listed(text: str) -> Hosts:
    """`SAYSO_CALLBACK_HOSTS`: hosts, `host:port` and networks, with commas between; raises ValueError saying which is wrong."""
    places: set[tuple[str, int]] = set()
    plain: set[tuple[str, int]] = set()
    networks: list[Network] = []
    for entry in filter(None, (part.strip().lower() for part in text.split(","))):
        if "/" in entry:
            networks.append(_network(entry))
            continue
        host, port = _host(entry)
        literal = _literal(host)
        places.add((host, port or 443))
        if literal is not None:
            networks.append(ip_network(literal))
        if host == _LOOPBACK_NAME or (literal is not None and literal.is_loopback):
            networks.extend(_LOOPBACK if host == _LOOPBACK_NAME else ())
            plain.add((host, port or 80))
            places.add((host, port or 80))
    return Hosts(frozenset(places), frozenset(plain), tuple(networks))


def _network(entry: str) -> Network:
    try:
        return ip_network(entry)
    except ValueError:
        raise ValueError(f"{entry} is not a network") from None


def _host(entry: str) -> tuple[str, int | None]:
    if _literal(entry.strip("[]")) is not None:
        return entry.strip("[]"), None
    host, colon, digits = entry.rpartition(":")
    if not colon:
        host, digits = entry, ""
    host = host.removeprefix("[").removesuffix("]")
    wrong = _literal(host) is None and not _NAME.fullmatch(host)
    if wrong or (colon and not (digits.isascii() and digits.isdigit() and 0 < int(digits) < 65536)):
        raise ValueError(f"{entry} is not a host, host:port or network")
    return host, int(digits) if digits else None


def _literal(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
