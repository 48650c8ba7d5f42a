"""A Containerfile without an engine: its steps are done in bare root directories, in namespaces of their own."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

OF_THE_SYSTEM = ("bin", "sbin", "lib", "lib64")
PYTHON = Path(sys.base_prefix)


@dataclass
class Stage:
    """One image: where its root is, and what it says of how it runs."""

    base: str
    root: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"})
    user: str = "0:0"
    folder: str = "/"
    volumes: list[str] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)  # ENTRYPOINT, CMD, HEALTHCHECK, STOPSIGNAL, EXPOSE

    @property
    def command(self) -> list[str]:
        """What its first process runs."""
        found: list[str] = [*json.loads(self.words["ENTRYPOINT"]), *json.loads(self.words["CMD"])]
        return found


def instructions(text: str) -> list[tuple[str, str]]:
    """Each instruction with its argument, comments and continued lines taken care of."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [
        (word.upper(), rest.strip()) for word, _, rest in (one.partition(" ") for one in joined.splitlines() if one)
    ]


def able() -> bool:
    """Whether this machine lets us make namespaces and mounts."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("setpriv"):
        return False
    return subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True).returncode == 0


def bare(root: Path) -> None:
    """A root directory with this machine's system and Python to be mounted, and nothing else."""
    for name in ("usr", "proc", "dev", "tmp", "etc", "var", "opt", "run", str(PYTHON).lstrip("/")):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in OF_THE_SYSTEM:
        host = Path("/") / name
        if host.is_symlink():
            (root / name).symlink_to(host.readlink())
        elif host.exists():
            (root / name).mkdir()
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n", encoding="ascii")
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n", encoding="ascii")
    (root / "etc/group").write_text("root:x:0:\n", encoding="ascii")


def script(stage: Stage, command: list[str], *, mounts: dict[str, Path], sealed: bool, env: dict[str, str]) -> str:
    """What a shell in namespaces of its own does to run `command` in the stage; `sealed`: with its root read-only."""
    root = shlex.quote(str(stage.root))
    lines = ["set -e", f"mount --bind {root} {root}"]
    system = [
        name
        for name in ("usr", *OF_THE_SYSTEM)
        if (stage.root / name).is_dir() and not (stage.root / name).is_symlink()
    ]
    for name in system:
        lines += [f"mount --bind /{name} {root}/{name}", f"mount -o remount,bind,ro {root}/{name}"]
    if not PYTHON.is_relative_to("/usr"):
        lines += [f"mount --bind {PYTHON} {root}{PYTHON}", f"mount -o remount,bind,ro {root}{PYTHON}"]
    lines += [f"mount -t proc proc {root}/proc", f"mount -t tmpfs tmpfs {root}/dev"]
    for device in ("null", "urandom", "random", "zero"):
        lines += [f"touch {root}/dev/{device}", f"mount --bind /dev/{device} {root}/dev/{device}"]
    for place, host in mounts.items():
        lines += [f"mkdir -p {root}{place}", f"mount --bind {shlex.quote(str(host))} {root}{place}"]
    if sealed:
        lines += [f"mount -o remount,bind,ro {root}", f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp"]
    path = f"{stage.env['PATH']}:{PYTHON}/bin"
    given = [f"{name}={value}" for name, value in (stage.env | env | {"PATH": path}).items()]
    inside = f"cd {shlex.quote(stage.folder)} && exec {shlex.join(command)}"
    privileges = ["/usr/bin/setpriv", "--no-new-privs"] if sealed else []
    words = ["chroot", f"--userspec={stage.user}", str(stage.root), "/usr/bin/env", "-i", *given, *privileges]
    return "\n".join([*lines, f"exec {shlex.join([*words, '/bin/sh', '-c', inside])}"])


def run(
    stage: Stage,
    command: list[str],
    *,
    mounts: dict[str, Path] | None = None,
    sealed: bool = False,
    env: dict[str, str] | None = None,
    timeout: float = 300,
) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    text = script(stage, command, mounts=mounts or {}, sealed=sealed, env=env or {})
    way = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", text]
    return subprocess.run(way, capture_output=True, text=True, timeout=timeout)


def built(containerfile: Path, context: Path, folder: Path, wheels: Path) -> Stage:
    """The last stage, with every step done; pip finds its packages in `wheels` instead of in the network."""
    stages: dict[str, Stage] = {}
    now: Stage | None = None
    for number, (word, rest) in enumerate(instructions(containerfile.read_text(encoding="utf-8"))):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            now = Stage(base, folder / f"stage-{number}")
            bare(now.root)
            stages[name or str(number)] = now
            continue
        assert now is not None, "FROM comes first"
        _step(now, stages, word, rest, context, wheels)
    assert now is not None
    return now


def _step(now: Stage, stages: dict[str, Stage], word: str, rest: str, context: Path, wheels: Path) -> None:
    match word:
        case "COPY":
            _copy(now, stages, rest, context)
        case "RUN":
            env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
            done = run(now, ["/bin/sh", "-c", rest], mounts={"/wheels": wheels}, env=env)
            assert done.returncode == 0, f"RUN {rest}\n{done.stdout}{done.stderr}"
        case "ENV":
            for pair in shlex.split(rest):
                name, _, value = pair.partition("=")
                now.env[name] = value
        case "USER":
            now.user = rest
        case "WORKDIR":
            now.folder = rest
            (now.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        case "VOLUME":
            now.volumes.append(rest)
        case "HEALTHCHECK":
            now.words[word] = rest.partition(" CMD ")[2]
        case "ENTRYPOINT" | "CMD" | "STOPSIGNAL" | "EXPOSE":
            now.words[word] = rest
        case _:
            raise AssertionError(f"this stand-in does not know {word}")


def _copy(now: Stage, stages: dict[str, Stage], rest: str, context: Path) -> None:
    *given, target = rest.split()
    source = context
    if given[0].startswith("--from="):
        source, given = stages[given[0].removeprefix("--from=")].root, given[1:]
    for pattern in given:
        found = sorted(source.glob(pattern.lstrip("/")))
        assert found, f"COPY {pattern}: there is no such file"
        for one in found:
            place = now.root / target.lstrip("/") / (one.name if target.endswith("/") else "")
            if one.is_dir():
                shutil.copytree(one, place, symlinks=True)
            else:
                shutil.copy2(one, place)
