"""What the processes of a long run do: servers that die at a named step, migrations, agents, replicas."""

from __future__ import annotations

import os
import sys
from functools import partial

from support.zygote import Zygote

import bot.__main__ as entrance
from bot.cli import serve as serving
from tests.chaos import failpoints

SERVE, MIGRATE = f"{__name__}:serve", f"{__name__}:migrate"
AGENT, REPLICA = "tests.chaos.agents:main", "tests.chaos.histories:replica"


def zygote() -> Zygote:
    """A process that has loaded all of them."""
    return Zygote(role.partition(":")[0] for role in (SERVE, AGENT, REPLICA))


def serve() -> None:
    """`python -m bot serve`; CHAOS_POST_INTERVAL posts faster than once a second, CHAOS_FAILPOINT arms one."""
    failpoints.arm(os.environ.get("CHAOS_FAILPOINT", ""))
    if pace := os.environ.get("CHAOS_POST_INTERVAL"):
        serving.build = partial(serving.build, post_interval=float(pace))  # type: ignore[attr-defined]
    sys.exit(entrance.main(["serve"]))


def migrate() -> None:
    """`python -m bot migrate`, perhaps with a failpoint armed."""
    failpoints.arm(os.environ.get("CHAOS_FAILPOINT", ""))
    sys.exit(entrance.main(["migrate"]))
