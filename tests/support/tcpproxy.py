"""A network between Sayso and its PostgreSQL that a test can break: cut, refuse, hang, or swallow the answer to a COMMIT."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL, make_url

COMMIT = b"COMMIT\x00"  # as the simple query protocol sends it


class TcpProxy:
    """Listens on this machine and passes bytes on to a PostgreSQL. Every fault is switched from the test's thread.

    - `lose_commits(n, applied=True)`: the next n COMMITs are passed on, and the connection is cut instead of their
      answer arriving; with `applied=False` it is cut before they reach the server, which then rolls back. `after`
      picks transactions in which these bytes were sent, such as the name of an audit event.
    - `cut()`: every open connection ends now.
    - `refuse()` / `accept()`: new connections are turned away, and let in again.
    - `hang()` / `flow()`: bytes stand still in both directions, and move on.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = make_url(upstream)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._refusing = False
        self._flowing = threading.Event()
        self._flowing.set()
        self._to_lose: list[tuple[bool, bytes]] = []
        self.lost = 0
        self.commits = 0
        threading.Thread(target=self._accept, name="tcpproxy", daemon=True).start()

    @property
    def url(self) -> str:
        """The database's address by way of this proxy."""
        port = int(self._listener.getsockname()[1])
        through = self._upstream.set(host="127.0.0.1", port=port).difference_update_query(["host", "port"])
        return through.render_as_string(hide_password=False)

    def lose_commits(self, count: int = 1, *, applied: bool = True, after: bytes = b"") -> None:
        """The next `count` COMMITs of transactions that sent `after` get no answer."""
        with self._lock:
            self._to_lose.extend([(applied, after)] * count)

    def cut(self) -> None:
        """End every open connection."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            _end(*pair)

    def refuse_new(self) -> None:
        """What is open goes on; nothing new gets through."""
        self._refusing = True

    def refuse(self) -> None:
        """The database is gone: what is open ends, and nothing new gets through."""
        self.refuse_new()
        self.cut()

    def accept(self) -> None:
        """The database is back."""
        self._refusing = False

    def hang(self) -> None:
        """Connections stay open and nothing moves."""
        self._flowing.clear()

    def flow(self) -> None:
        """Everything that stood still moves on."""
        self._flowing.set()

    def close(self) -> None:
        """End everything."""
        self.flow()
        _end(self._listener)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._refusing:
                    client.close()
                    continue
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), _connected(self._upstream) as server:
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            try:
                self._pass(*pair)
            finally:
                with self._lock:
                    self._pairs.discard(pair)

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        sent = b""  # of the transaction under way
        while True:
            ready, _, _ = select.select([client, server], [], [])
            self._flowing.wait()
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                if source is client:
                    sent += data
                    if COMMIT in data:
                        self.commits += 1
                        if self._loses(sent, data, server):
                            return
                        sent = b""
                (server if source is client else client).sendall(data)

    def _loses(self, sent: bytes, data: bytes, server: socket.socket) -> bool:
        with self._lock:
            # Texts inside texts arrive escaped, once or more, as the statement has it.
            if not self._to_lose or self._to_lose[0][1] not in sent.replace(b"\\", b""):
                return False
            applied, _ = self._to_lose.pop(0)
            self.lost += 1
        if applied:
            server.sendall(data)
            server.recv(65536)  # the answer exists: the transaction is durable, and only we know
        return True


def _end(*sockets: socket.socket) -> None:
    """Wake whoever reads from them; whoever opened them closes them."""
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _connected(url: URL) -> socket.socket:
    host, port = url.host or url.query.get("host"), int(url.port or str(url.query.get("port", "5432")))
    assert isinstance(host, str)
    if not host.startswith("/"):
        return socket.create_connection((host, port), 10)
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.connect(str(Path(host) / f".s.PGSQL.{port}"))
    return found


@contextmanager
def proxied(url: str) -> Iterator[TcpProxy]:
    """A proxy in front of that PostgreSQL for as long as the block runs."""
    proxy = TcpProxy(url)
    try:
        yield proxy
    finally:
        proxy.close()
