"""What the arguments of programs are: each kind that the table names is one function."""

from __future__ import annotations

from collections.abc import Mapping

from policies.shell.call import Operands
from policies.shell.operands import changes, code, databases, reads, remote, tools

KINDS: Mapping[str, Operands] = {
    **reads.KINDS,
    **changes.KINDS,
    **code.KINDS,
    **tools.KINDS,
    **remote.KINDS,
    **databases.KINDS,
}
