"""What the name of a script or target tells: `deploy` reaches out, whatever is in it."""

from __future__ import annotations

import re

from policies.shell.classes import Effect, Finding

_OUTWARD = re.compile(
    r"(?:^|[-_:./])(?:deploy\w*|publish\w*|release\w*|upload\w*|ship|push|promote|rollback|provision|prod|production|sync-prod|notify|announce"
    r"|email|mail|send|submit)(?:$|[-_:./])",
    re.IGNORECASE,
)
_DESTRUCTIVE = re.compile(
    r"(?:^|[-_:./])(?:destroy\w*|teardown|tear-down|nuke|wipe\w*|purge\w*|drop\w*|flush\w*|downgrade|reset\w*|truncate\w*|delete\w*|uninstall|migrate\w*|db-push|seed-prod|rm|kill\w*)"
    r"(?:$|[-_:./])",
    re.IGNORECASE,
)
_INSTALL = re.compile(r"^(?:install|install-\w+|setup-hooks|hooks|bootstrap-machine)$", re.IGNORECASE)
_ONLY_LOOKS = re.compile(
    r"(?:^|[-_:./])(?:check|dry|dryrun|test|tests|lint|status|notes|validate|verify)(?:$|[-_:./])", re.IGNORECASE
)


def telling(*names: str) -> Finding | None:
    """What a name among `names` tells of more than local work; None where none does."""
    for name in names:
        if _ONLY_LOOKS.search(name):
            continue
        if _DESTRUCTIVE.search(name):
            return Finding(Effect.DESTRUCTIVE, f"{name} sounds as if it deleted or reset something")
        if _OUTWARD.search(name):
            return Finding(Effect.OUTWARD, f"{name} sounds as if it reached other people or machines")
        if _INSTALL.search(name):
            return Finding(Effect.UNKNOWN, f"{name} installs something")
    return None
