"""Where callbacks may go: what is listed, and of the network only what is public or listed."""

from __future__ import annotations

import pytest

from bot.service.callback_hosts import Forbidden, Hosts, listed
from policies.errors import InvalidInput

HOSTS = listed(
    "hooks.example.com, Agents.Example.com:8443, 127.0.0.1:9000, localhost:9001, 10.1.0.0/16, [2001:db8::7]:443"
)


@pytest.mark.parametrize(
    "url, place",
    [
        ("https://hooks.example.com/x", ("hooks.example.com", 443)),
        ("https://HOOKS.example.com:443/x?y=1#z", ("hooks.example.com", 443)),
        ("https://hooks.example.com./x", ("hooks.example.com", 443)),
        ("https://agents.example.com:8443", ("agents.example.com", 8443)),
        ("http://127.0.0.1:9000/", ("127.0.0.1", 9000)),
        ("http://localhost:9001/", ("localhost", 9001)),
        ("https://[2001:db8::7]/", ("2001:db8::7", 443)),
    ],
)
def test_what_is_listed_is_allowed(url: str, place: tuple[str, int]) -> None:
    """A listed host at its port, over https; plain http only to a loopback address that was listed."""
    assert HOSTS.check(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/x",
        "https://hooks.example.com:8443/",
        "https://agents.example.com/",
        "https://evil.com/?https://hooks.example.com",
        "https://hooks.example.com@evil.com/",
        "https://hooks.example.com:pw@hooks.example.com/",
        "https://hooks.example.com.evil.com/",
        "https://xhooks.example.com/",
        "https://hooks.example.com\\@evil.com/",
        "https://hooks.example.com /",
        "https://hooks.example.com\t.evil.com/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "https://hooks。example.com/",
        "https://127.0.0.1/",
        "http://127.0.0.2:9000/",
        "http://127.1:9000/",
        "http://2130706433:9000/",
        "http://0x7f.0.0.1:9000/",
        "http://[::ffff:127.0.0.1]:9000/",
        "https://10.1.0.9/",
        "ftp://hooks.example.com/",
        "https:///x",
        "https://[::1/",
    ],
)
def test_anything_else_is_refused_by_name(url: str) -> None:
    """Another host, port, scheme or spelling is refused, and the field is named."""
    with pytest.raises(InvalidInput) as refused:
        HOSTS.check(url)
    assert refused.value.field == "callback_url"


def test_without_a_list_there_are_no_callbacks() -> None:
    """The default allows nothing, and says which setting would."""
    for hosts in (Hosts(), listed(""), listed(" , "), listed("10.0.0.0/8")):
        with pytest.raises(InvalidInput, match="SAYSO_CALLBACK_HOSTS"):
            hosts.check("https://hooks.example.com/")


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "127.0.0.1", "10.1.255.1", "::ffff:10.1.2.3"]
)
def test_public_and_listed_addresses_may_be_connected_to(address: str) -> None:
    """What the Internet routes, and what was listed as an address, a network, or localhost."""
    HOSTS.require([address])


FORBIDDEN = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "192.0.0.170",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2001:0:7f00:1::",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_private_addresses_are_refused(address: str) -> None:
    """Loopback, private, link-local, metadata, shared, reserved and multicast, plain or wrapped in IPv6; one is enough."""
    hosts = listed("hooks.example.com")
    with pytest.raises(Forbidden):
        hosts.require([address])
    with pytest.raises(Forbidden):
        hosts.require(["93.184.215.14", address])


@pytest.mark.parametrize(
    "text",
    ["https://x.com", "x.com:", "x.com:0", "x.com:99999", "x.com:http", "a b", "*", "10.0.0.0/99", "x..y", "ünï.com"],
)
def test_a_wrong_list_says_what_is_wrong(text: str) -> None:
    """An entry that is no host, host:port or network stops the start."""
    with pytest.raises(ValueError):
        listed(text)
