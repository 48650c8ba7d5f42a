"""Names of files that one command hands to another, as far as they can be told."""

from __future__ import annotations

from dataclasses import dataclass, replace

from policies.shell.expand import HOLE, Arg

# Programs that count or search, and show no whole file.
COUNTERS = frozenset(
    "grep egrep fgrep rg wc ls stat file du md5sum sha256sum shasum echo basename dirname test touch".split()
)


@dataclass(frozen=True, slots=True)
class Names:
    """Names of files of the work tree: `known` at all, `plain` ones hold no secrets, `source` ones may be edited."""

    known: bool = False
    plain: bool = False
    source: bool = False

    def item(self, program: str) -> Arg:
        """One of the names, as an argument of `program`."""
        trusted = self.plain or (self.known and program in COUNTERS)
        return Arg(HOLE, known=False, trusted=trusted, tame=trusted, editable=self.source)

    def anywhere(self) -> Names:
        """The same where somebody chose among them by what they are called."""
        return replace(self, plain=False)


NO_NAMES = Names()
