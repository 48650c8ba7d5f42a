"""Whether the server of this container answers: `python -m bot.cli.healthcheck`, with `--ready` whether it can work as well.

By the standard library alone, because it starts every few seconds.
"""

from __future__ import annotations

import http.client
import os
import sys

SECONDS = 11.0  # /readyz takes ten at most


def main(arguments: list[str]) -> int:
    """0 where it does, 1 with a line that says why not."""
    host, port = os.environ.get("SAYSO_HOST") or "127.0.0.1", int(os.environ.get("SAYSO_PORT") or 8350)
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - taken out, not listened on
    page = "/readyz" if "--ready" in arguments else "/healthz"
    try:
        way = http.client.HTTPConnection(here, port, timeout=SECONDS)
        way.request("GET", page)
        answer = way.getresponse()
        said = answer.read(2000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        print(f"{page}: no answer: {error}")
        return 1
    print(f"{page}: {answer.status} {said}")
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
