"""The server's own address, taken before anything else is opened, so that a wrong one ends the start in a line."""

from __future__ import annotations

import errno
import socket
import threading
from typing import Any

from bot.settings import BadSetting, Settings

BACKLOG = 2048
RESOLVE_SECONDS = 4.0


def listen(settings: Settings) -> list[socket.socket]:
    """Listening sockets for SAYSO_HOST and SAYSO_PORT; raises BadSetting naming the one that cannot be used."""
    found: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in _resolved(settings.host, settings.port):
            if found and settings.port == 0:
                address = (address[0], found[0].getsockname()[1], *address[2:])
            found.append(_bound(socket.socket(family, kind, protocol), address))
    except OSError as error:
        for one in found:
            one.close()
        raise _trouble(settings, error) from None
    return found


def _bound(place: socket.socket, address: Any) -> socket.socket:
    try:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if place.family == socket.AF_INET6:
            place.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        place.bind(address)
        # Not only bound: two that are may share a port, and the second would find out when it is too late to say so.
        place.listen(BACKLOG)
        place.setblocking(False)
    except OSError:
        place.close()
        raise
    return place


def _trouble(settings: Settings, error: OSError) -> BadSetting:
    host, port = settings.host, settings.port
    if error.errno == errno.EADDRINUSE:
        return BadSetting(f"SAYSO_PORT: {port} is in use on {host} by another process", field="SAYSO_PORT")
    if error.errno in (errno.EACCES, errno.EPERM):
        return BadSetting(f"SAYSO_PORT: {port} cannot be used by this user", field="SAYSO_PORT")
    if error.errno == errno.EADDRNOTAVAIL:
        return BadSetting(f"SAYSO_HOST: {host} is not an address of this machine", field="SAYSO_HOST")
    return BadSetting(f"SAYSO_HOST: cannot listen on {host}: {error.strerror or error}", field="SAYSO_HOST")


def _resolved(host: str, port: int) -> list[Any]:
    """The addresses of a host. A name server that does not answer must not hold the start."""
    found: list[Any] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE))
        except (OSError, UnicodeError, ValueError):
            return  # an address that is none has a label too long, a NUL, or nobody knows it

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(RESOLVE_SECONDS)
    if not found:
        raise BadSetting(f"SAYSO_HOST: {host!r} is neither an address nor a name that can be found", field="SAYSO_HOST")
    return list(dict.fromkeys(found))
