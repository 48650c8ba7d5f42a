"""Sayso, played: `make demo` in the browser, `make demo ONCE=1` as one story without it.

Starts a pretended Slack workspace, the server on SQLite, and two agents that really act: one pays refunds out of an
orders database, one deletes branches of a git repository. Each asks and exits; a new process carries on.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from pathlib import Path

from live import Live
from stage import PROXIES, ROOT, Stage, Trouble, port_near
from story import Story

INTERRUPTED = 130


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="examples/demo.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--once", action="store_true", help="play one story without a browser, check it, and exit")
    parser.add_argument("--keep", action="store_true", help="go on with what the last run left")
    parser.add_argument("--directory", type=Path, help="what is written goes here (default: .demo)")
    parser.add_argument("--port", type=int, default=8351, help="the playground's; a free one where it is taken")
    parser.add_argument("--bot-port", type=int, default=8350, help="the server's; a free one where it is taken")
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two new complaints")
    return parser.parse_args()


def main() -> int:
    """Play; the exit status is 0 where everything held."""
    options = arguments()
    _prepare_process()
    directory = options.directory or ROOT / ".demo" / ("once" if options.once else "live")
    try:
        stage = Stage(directory, keep=options.keep and not options.once)
    except Trouble as trouble:
        return _told(trouble)
    try:
        if options.once:
            Story(stage).play()
        else:
            Live(stage, port_near(options.port), options.bot_port, options.every).play()
    except Trouble as trouble:
        return _told(trouble)
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)
        return INTERRUPTED if options.once else 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
        stage.stop()
    return 0


def _prepare_process() -> None:
    for name in [name for name in os.environ if name.lower() in PROXIES]:
        del os.environ[name]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace", line_buffering=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a shell's `&` starts us with the first one ignored
        signal.signal(number, signal.default_int_handler)


def _told(trouble: Trouble) -> int:
    print(f"demo: {trouble}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
