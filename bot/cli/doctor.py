"""`python -m bot doctor`: what is wrong with this installation, and what to click or set."""

from __future__ import annotations

import argparse
import sys


def doctor(arguments: argparse.Namespace) -> int:
    """Look at everything, tell it, and exit 1 where something is wrong. Nothing is changed."""
    from bot.doctor import examine, findings, launch, posting  # a second's libraries, for this command alone

    seen = examine.examine(thoroughly=arguments.launch)
    if isinstance(seen, list):
        found = seen
    elif arguments.launch:
        found = launch.checklist(seen)
    else:
        found = list(examine.judged(seen))
        if arguments.post:
            found += posting.messages_tried(seen)
    if arguments.json:
        print(findings.as_json(found))
    elif arguments.launch:
        print("\n".join(finding.paragraph for finding in found), findings.summary(found), sep="\n\n")
    else:
        print("\n".join(finding.line for finding in found), findings.summary(found), sep="\n")
    sys.stdout.flush()
    return findings.exit_status(found)


def add_options(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--launch", action="store_true", help="the checklist before the first real approval")
    kind.add_argument("--post", action="store_true", help="also post a line to each channel, and take it away again")
    parser.add_argument("--json", action="store_true", help="for machines")
