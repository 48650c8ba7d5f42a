"""A real PgBouncer in transaction mode before a PostgreSQL: every transaction may get another session."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

from sqlalchemy.engine import URL, make_url

BINARY = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
PORT = 6432  # of a socket in a folder of its own, never of the network
_USER = "embedded_postgres"  # neither runs as root, and PostgreSQL's socket lies where only its own user may enter


def there() -> bool:
    """Whether this machine has one."""
    return Path(BINARY).exists()


class PgBouncer:
    """One that lends at most `sessions` to each database. It lives until `stop`, in a folder that anybody may enter."""

    def __init__(self, server: URL, folder: Path, *, sessions: int = 4, **settings: str) -> None:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._server, self.folder = server, folder
        if os.geteuid() == 0:
            shutil.chown(folder, _USER)
        given = {
            "pool_mode": "transaction",
            "default_pool_size": str(sessions),
            "server_idle_timeout": "5",
            "max_client_conn": "2000",
            "auth_type": "any",
            "listen_addr": "",
            "listen_port": str(PORT),
            "unix_socket_dir": str(folder),
            "logfile": str(folder / "log"),
            **settings,
        }
        host, port = server.host or server.query.get("host"), server.port or server.query.get("port") or 5432
        lines = ["[databases]", f"* = host={host} port={port} user={server.username}"]
        lines += ["[pgbouncer]", *(f"{name} = {value}" for name, value in given.items())]
        (folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
        self._start(int(given["listen_port"]))

    def _start(self, port: int) -> None:
        words = [BINARY, "-q", str(self.folder / "pgbouncer.ini")]
        become = {"user": _USER, "group": pwd.getpwnam(_USER).pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        self._process = subprocess.Popen(words, stderr=subprocess.DEVNULL, **become)  # type: ignore[call-overload]
        deadline = time.monotonic() + 10
        while True:
            with socket.socket(socket.AF_UNIX) as found:
                if found.connect_ex(str(self.folder / f".s.PGSQL.{port}")) == 0:
                    return
            alive = self._process.poll() is None and time.monotonic() < deadline
            assert alive, f"PgBouncer did not start:\n{(self.folder / 'log').read_text()}"
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        """The process."""
        return int(self._process.pid)

    def url(self, direct: str) -> str:
        """The address of one of the server's databases by way of this pooler."""
        return through(direct, self.folder)

    def stop(self) -> None:
        """End it, with every connection."""
        self._process.kill()
        self._process.wait()


def through(direct: str, folder: Path) -> str:
    """The address of a database by way of the pooler whose socket lies in that folder."""
    url = make_url(direct).set(host=None, port=None)
    return url.update_query_dict({"host": str(folder), "port": str(PORT)}).render_as_string(hide_password=False)
