"""Where a path lies: in the work tree, in a scratch place, outside; and whether secrets or settings are kept there."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from policies.shell.classes import Effect, Finding
from policies.shell.secrets import GUARDED, SECRET_FILES, SHARED_PARENTS, holds_secrets, is_guarded

SCRATCH = ("/tmp", "/var/tmp", "/private/tmp", "/private/var/tmp", "/dev/shm", "/var/folders", "/private/var/folders")  # noqa: S108
_HOME = re.compile(r"^(/home/[^/]+|/Users/[^/]+|/root)(?:/|$)")
_STREAMS = re.compile(r"^/dev/(?:null|stdout|stderr|stdin|tty|zero|fd/[0-9]+)$")
NO_HOME = "/~"
_NEVER_A_TREE = re.compile(
    r"^/(?:home|Users|root|etc|usr|var|bin|sbin|lib|opt|boot|dev|proc|sys|mnt|media|srv|private)?$"
)


class Where(StrEnum):
    """Where a path lies."""

    INSIDE = "inside"
    SCRATCH = "scratch"
    STREAM = "stream"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Places:
    """What is known of the machine: paths are absolute; `tree` is None where no work tree is known."""

    tree: str | None
    home: str = NO_HOME
    scratch: tuple[str, ...] = SCRATCH
    extra_scratch: tuple[str, ...] = field(default=())

    def absolute(self, path: str, cwd: str | None) -> str | None:
        """`path` from the root on, without dots; None where it hangs on an unknown directory."""
        if not path.startswith("/"):
            if cwd is None:
                return None
            path = f"{cwd}/{path}"
        return posixpath.normpath(path.replace("//", "/", 1) if path.startswith("//") else path)

    def where(self, path: str | None) -> Where:
        """Where an absolute path lies."""
        if path is None or "\\" in path or not path.isprintable():
            return Where.UNKNOWN
        if _STREAMS.match(path):
            return Where.STREAM
        if self.tree is not None and within(path, self.tree):
            return Where.INSIDE
        if any(within(path, place) and path != place for place in self.scratch):
            return Where.SCRATCH
        if any(_below(path, place) for place in self.extra_scratch):
            return Where.SCRATCH
        return Where.OUTSIDE

    def relative(self, path: str) -> str:
        """The path as people of this work tree would say it."""
        if self.tree is not None and within(path, self.tree):
            return posixpath.relpath(path, self.tree)
        return f"~{path[len(self.home) :]}" if within(path, self.home) else path


def within(path: str, place: str) -> bool:
    """Whether `path` is `place` or lies below it; case does not count, for some disks ignore it."""
    path, place = path.casefold(), place.rstrip("/").casefold()
    return path == place or path.startswith(f"{place}/")


def _below(path: str, place: str) -> bool:
    """Whether `path` lies below `place`, in which a star stands for one name."""
    wanted, steps = place.strip("/").split("/"), path.strip("/").split("/")
    pairs = zip(wanted, steps, strict=False)
    return len(steps) > len(wanted) and all(fnmatchcase(step, name) for name, step in pairs)


def home_of(*paths: str | None) -> str:
    """The home directory that one of `paths` lies in."""
    found = (match for path in paths if path and (match := _HOME.match(path)))
    return next((match.group(1) for match in found), NO_HOME)


def tree_of(directory: str | None) -> str | None:
    """`directory` as a work tree; None for the root, a home, or a place of the system."""
    if not directory or not directory.startswith("/"):
        return None
    path = posixpath.normpath(directory)
    if _NEVER_A_TREE.match(path) or path == home_of(path) or path in SCRATCH or path.startswith(("/proc/", "/sys/")):
        return None
    return path


def reading(path: str | None, places: Places, *, glob: bool = False, deep: bool = False) -> Finding:
    """What it means to read the file (`deep`: everything below the directory) at an absolute `path`."""
    if path is None:
        return Finding(Effect.UNKNOWN, "reads a file whose place is only known when it runs")
    if secret := _secret(path, places, glob=glob):
        return Finding(Effect.SECRETS, f"reads {places.relative(path)}, where secrets are kept ({secret})")
    if deep and places.where(path) is Where.OUTSIDE and _above_secrets(path, places):
        return Finding(Effect.SECRETS, f"searches all of {places.relative(path)}, secrets too")
    return Finding(Effect.READ, f"reads {places.relative(path)}")


def writing(path: str | None, places: Places, *, glob: bool = False) -> Finding:
    """What it means to write, create or change the file at an absolute `path`."""
    if path is None:
        return Finding(Effect.UNKNOWN, "writes a file whose place is only known when it runs")
    shown = places.relative(path)
    if path in (places.tree, places.home):
        return Finding(Effect.DESTRUCTIVE, f"changes {path} itself")
    if secret := _secret(path, places, glob=glob):
        return Finding(Effect.SECRETS, f"writes {shown}, where secrets are kept ({secret})")
    where = places.where(path)
    if where is Where.OUTSIDE:
        return Finding(Effect.DESTRUCTIVE, f"writes {shown}, outside the work tree")
    if where is Where.UNKNOWN:
        return Finding(Effect.UNKNOWN, f"writes {shown!r}, which systems read differently")
    if where is Where.INSIDE and places.tree is not None:
        inner = posixpath.relpath(path, places.tree)
        if guard := is_guarded(inner) or (glob and _glob_guarded(inner)):
            return Finding(Effect.DESTRUCTIVE, f"changes {shown}: {guard}")
    if where is Where.SCRATCH and "/.git/" in f"{path.casefold()}/":
        return Finding(Effect.DESTRUCTIVE, f"changes {shown}: git runs what stands there by itself")
    return Finding(Effect.LOCAL, f"writes {shown}")


def _secret(path: str, places: Places, *, glob: bool) -> str | None:
    inner = posixpath.relpath(path, places.tree) if places.tree and within(path, places.tree) else None
    if found := holds_secrets(path, within_home=path[len(places.home) + 1 :] if within(path, places.home) else None):
        return found
    return _glob_secret(path, inner) if glob else None


def _glob_secret(path: str, inner: str | None) -> str | None:
    """A secret that the pattern could stand for; a pattern of stars alone inside the tree means its ordinary files."""
    parts = [part for part in path.casefold().split("/") if part]
    for secret in SECRET_FILES:
        tail = secret.split("/")
        if len(tail) > len(parts) or (inner is not None and set(parts[-1]) <= {"*", "."} and parts[-1] != ".*"):
            continue
        if all(_could_be(name, pattern) for name, pattern in zip(tail, parts[-len(tail) :], strict=True)):
            return secret
    return None


def _glob_guarded(inner: str) -> str | None:
    parts = inner.casefold().split("/")
    for guard, why in GUARDED.items():
        names = guard.rstrip("/").split("/")
        if len(names) <= len(parts) and all(_could_be(name, part) for name, part in zip(names, parts, strict=False)):
            return why
    return None


def _could_be(name: str, pattern: str) -> bool:
    if name.startswith(".") and not pattern.startswith((".", "[")):
        return False
    return fnmatchcase(name, pattern)


def _above_secrets(path: str, places: Places) -> bool:
    """Whether secrets lie below `path`: it is above the home directory, the home itself, or a place of settings."""
    return within(places.home, path) or path in SHARED_PARENTS or path.startswith(f"{places.home}/.config")
