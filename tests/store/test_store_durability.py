"""A database that could lose what it was told to keep is refused at the start, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from support.marks import on_postgresql, on_sqlite
from support.servers import command

from store import durability
from store.durability import NotDurable, file_system
from store.engine import Database

MOUNTS = r"""
/dev/vda / ext4 rw 0 0
server:/export /srv/nfs nfs4 rw 0 0
//server/share /srv/with\040space cifs rw 0 0
me@host:/ /home/me/far fuse.sshfs rw 0 0
overlay /home/me/near fuse.fuse-overlayfs rw 0 0
/dev/vdb /srv/nfs/local ext4 rw 0 0
/dev/vdc /srv/over ext4 rw 0 0
server:/x /srv/over nfs rw 0 0
"""


@pytest.mark.parametrize(
    "path, kind",
    [
        ("/var/lib/sayso.db", "ext4"),
        ("/srv/nfs/sayso.db", "nfs4"),
        ("/srv/nfs/deeper/sayso.db", "nfs4"),
        ("/srv/nfsx/sayso.db", "ext4"),
        ("/srv/nfs/local/sayso.db", "ext4"),
        ("/srv/with space/sayso.db", "cifs"),
        ("/home/me/far/sayso.db", "fuse.sshfs"),
        ("/home/me/near/sayso.db", "fuse.fuse-overlayfs"),
        ("/srv/over/sayso.db", "nfs"),
    ],
)
def test_the_file_system_is_the_one_on_top(path: str, kind: str, tmp_path: Path) -> None:
    """The longest mount point that holds the file counts, and of two at one place the later."""
    (tmp_path / "mounts").write_text(MOUNTS)
    assert file_system(Path(path), tmp_path / "mounts") == kind
    assert file_system(Path(path), tmp_path / "none") == ""


@on_sqlite
@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuse.unheard-of", "ceph"])
def test_sqlite_on_a_network_file_system_is_refused(database: Database, tmp_path: Path, kind: str) -> None:
    """SQLite's locks do not hold over a network: the setting is named, and the kind of file system."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nx {tmp_path} {kind} rw 0 0\n")
    with pytest.raises(NotDurable, match=f"SAYSO_DATABASE_URL.*{kind}"):
        durability.require(database, mounts)
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nx {tmp_path} fuse.fuse-overlayfs rw 0 0\n")
    durability.require(database, mounts)


@on_postgresql
def test_a_role_or_database_cannot_turn_synchronous_commit_off(database: Database, database_url: str) -> None:
    """What an administrator set for a database does not reach our sessions: we set it on."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"ALTER DATABASE {database.url.database} SET synchronous_commit = off"))
    fresh = Database(database_url, pool_size=1)
    durability.require(fresh)
    fresh.close()


@on_postgresql
@pytest.mark.servers
def test_synchronous_commit_off_is_refused(database: Database, database_url: str, tmp_path: Path) -> None:
    """Where it is off in our sessions all the same, serving and every command stop with one line that says so."""
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION turn_off() RETURNS event_trigger LANGUAGE plpgsql AS "
                "$$ BEGIN PERFORM set_config('synchronous_commit', 'off', false); END $$"
            )
        )
        connection.execute(text("CREATE EVENT TRIGGER turned_off ON login EXECUTE FUNCTION turn_off()"))
    done = command({"SAYSO_DATABASE_URL": database_url}, "agent", "list", folder=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "synchronous_commit is off" in done.stderr


@on_postgresql
def test_fsync_off_is_told_and_no_more(database: Database) -> None:
    """A server without fsync may be meant (this one is): it is a line in the log."""
    assert any("fsync" in doubt for doubt in durability.doubts(database))


@pytest.mark.servers
def test_a_database_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """A PostgreSQL that does not answer stops a command with one line, not a traceback."""
    done = command({"SAYSO_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "agent", "list", folder=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
