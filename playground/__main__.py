"""`python -m playground`: the workspace on its own, for a bot to connect to and a person to click in."""

from __future__ import annotations

import argparse

import uvicorn

from playground import seed
from playground.app import PlaygroundApp
from playground.server import config, listen
from playground.workspace import Credentials, Workspace


def arguments() -> argparse.Namespace:
    """The command line."""
    usual = Credentials()
    parser = argparse.ArgumentParser(prog="python -m playground", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8351, help="0 takes a free one")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME[:PORT]",
        help="answer to this name too, besides localhost and --host; repeatable",
    )
    parser.add_argument("--bot-url", default="http://127.0.0.1:8350", help="where the bot listens")
    parser.add_argument("--signing-secret", default=usual.signing_secret)
    parser.add_argument("--bot-token", default=usual.bot_token)
    parser.add_argument("--app-token", default=usual.app_token)
    parser.add_argument("--socket", action="store_true", help="Socket Mode instead of HTTP")
    return parser.parse_args()


def main() -> None:
    """Serve until interrupted."""
    options = arguments()
    credentials = Credentials(options.bot_token, options.app_token, options.signing_secret)
    app = PlaygroundApp(workspace=seed.fill(Workspace(credentials=credentials)))
    app.delivery.bot_url, app.delivery.socket_mode = options.bot_url, options.socket
    bound = listen(options.host, options.port)
    port = bound.getsockname()[1]
    url = f"http://{options.host}:{port}"
    app.gate.answer_to(options.host, port, options.allow_host)
    app.workspace.base_url = url
    print(f"Playground: {url}  (Web API at {url}/api/)", flush=True)
    uvicorn.Server(config(app)).run(sockets=[bound])


if __name__ == "__main__":
    main()
