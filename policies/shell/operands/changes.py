"""Programs that change files: make, remove, move, copy, link, pack and unpack."""

from __future__ import annotations

import posixpath
import re

from policies.shell.call import Call, Operands
from policies.shell.classes import Effect, Finding
from policies.shell.expand import Arg
from policies.shell.operands import paths
from policies.shell.options import Given, given
from policies.shell.patches import patched
from policies.shell.places import Where, within
from policies.shell.table import Rule

# What builds, tests and tools make, and make again: removing it whole loses nothing.
DERIVED = frozenset(
    "build dist out target obj node_modules coverage htmlcov .coverage .next .nuxt .output .svelte-kit .astro .turbo .cache"
    " .parcel-cache .vite __pycache__ .pytest_cache .mypy_cache .ruff_cache .hypothesis .tox .nox .venv venv .eggs tmp temp .tmp"
    " .temp logs log .nyc_output test-results playwright-report storybook-static .gradle cmake-build-debug cmake-build-release"
    " _build .bundle .dart_tool .angular .serverless cdk.out test-output .scannerwork .eslintcache .stylelintcache".split()
)
_DERIVED_FILES = re.compile(
    r".*\.(?:log|tmp|temp|pyc|pyo|o|obj|a|so|class|bak|orig|rej|out|swp|swo|cache|exe|dll|test|prof|tsbuildinfo|map|d\.ts|gcda|gcno|profraw)$"
)
MAX_NAMED = 20


def _makes(call: Call, rule: Rule, found: Given) -> list[Finding]:
    return [paths.write(call, arg, fresh=True) for arg in found.operands]


def _removes(call: Call, rule: Rule, found: Given) -> list[Finding]:
    return [_removed(call, arg, whole=False) for arg in found.operands]


def _rm(call: Call, rule: Rule, found: Given) -> list[Finding]:
    whole = any(
        (arg.text[2:] and "--recursive".startswith(arg.text)) or _letters(arg) & {"r", "R"} for arg in call.args
    )
    targets = given(call.args, {}).operands
    if len(targets) > MAX_NAMED:
        return [Finding(Effect.DESTRUCTIVE, f"deletes {len(targets)} files at once")]
    return [_removed(call, arg, whole=whole) for arg in targets]


def _letters(arg: Arg) -> set[str]:
    return set(arg.text[1:]) if arg.text.startswith("-") and not arg.text.startswith("--") else set()


def _removed(call: Call, arg: Arg, *, whole: bool) -> Finding:
    """Deleting one file of the work tree that is named, or what tools make again anyway, is ordinary work; the rest is not."""
    if not arg.known:
        return Finding(Effect.DESTRUCTIVE, "deletes what is only known when it runs")
    path = call.absolute(arg)
    if path is None:
        return Finding(Effect.DESTRUCTIVE, f"deletes {arg.text}, from a place that is only known when it runs")
    shown, where = call.places.relative(path), call.places.where(path)
    written = paths.write(call, arg)
    if where is Where.SCRATCH and not (arg.glob and "/" not in _below_scratch(call, path)):
        return Finding(Effect.LOCAL, f"deletes {shown}, a scratch file") if written.effect is Effect.LOCAL else written
    if where is not Where.INSIDE or path == call.places.tree or path == call.state.cwd:
        return Finding(
            Effect.DESTRUCTIVE,
            f"deletes {shown}, outside the work tree" if where is Where.OUTSIDE else f"deletes {shown}",
        )
    if written.effect is not Effect.LOCAL:
        return Finding(Effect.DESTRUCTIVE, f"deletes {shown}: {written.why}")
    name = posixpath.basename(path)
    steps = posixpath.relpath(path, call.places.tree or "/").split("/")
    below = any(step.casefold() in DERIVED for step in steps[:-1])
    if (whole or arg.glob) and not (
        name.casefold() in DERIVED or below or (arg.glob and _DERIVED_FILES.fullmatch(name))
    ):
        return Finding(Effect.DESTRUCTIVE, f"deletes all of {shown}")
    return Finding(Effect.LOCAL, f"deletes {shown}")


def _below_scratch(call: Call, path: str) -> str:
    places = (*call.places.scratch, *call.places.extra_scratch)
    place = max((place for place in places if within(path, place)), key=len, default="")
    return path[len(place) + 1 :]


def _mv(call: Call, rule: Rule, found: Given) -> list[Finding]:
    told = given(call.args, {"-t": "write", "--target-directory": "write", "-S": "value", "--suffix": "value"})
    targets, sources = told.values("write"), list(told.operands)
    if not targets:
        targets, sources = sources[-1:], sources[:-1]
    results = [paths.write(call, arg, fresh=True) for arg in targets]
    away = any(paths.where(call, arg) not in (Where.INSIDE, Where.UNKNOWN) for arg in targets)
    for arg in sources:
        moved = paths.write(call, arg)
        if moved.effect is Effect.LOCAL and away and paths.where(call, arg) is Where.INSIDE:
            moved = Finding(Effect.DESTRUCTIVE, f"moves {arg.text} out of the work tree")
        results.append(moved)
    return results


def _cp(call: Call, rule: Rule, found: Given) -> list[Finding]:
    if any(arg.text.startswith(("--sy", "--lin")) or {"s", "l"} & _letters(arg) for arg in call.args):
        return [Finding(Effect.UNKNOWN, "makes links instead of copies")]
    told = given(call.args, {"-t": "write", "--target-directory": "write", "-S": "value", "--suffix": "value"})
    targets, sources = told.values("write"), list(told.operands)
    if not targets:
        targets, sources = sources[-1:], sources[:-1]
    return [paths.read(call, arg, deep=True) for arg in sources] + [
        paths.write(call, arg, fresh=True) for arg in targets
    ]


def _ln(call: Call, rule: Rule, found: Given) -> list[Finding]:
    told = given(call.args, {"-t": "write", "--target-directory": "write", "-S": "value", "--suffix": "value"})
    links, targets = told.values("write"), list(told.operands)
    if not links and len(targets) > 1:
        links, targets = targets[-1:], targets[:-1]
    results = [paths.write(call, arg) for arg in links]
    for arg in targets:
        beside = (
            Arg(posixpath.join(posixpath.dirname(links[0].text), arg.text))
            if links and not arg.text.startswith("/") and arg.known
            else arg
        )
        for one in (arg, beside):
            if paths.where(call, one) is not Where.INSIDE or paths.write(call, one).effect is not Effect.LOCAL:
                results.append(
                    Finding(Effect.DESTRUCTIVE, f"links to {arg.text}, which is not an ordinary file of the work tree")
                )
                break
    return results


_SYMBOLIC = re.compile(r"[ugoa]*[-+=][rwxX]*(?:,[ugoa]*[-+=][rwxX]*)*")
_OCTAL = re.compile(r"0?[0-7]{3}")


def _chmod(call: Call, rule: Rule, found: Given) -> list[Finding]:
    args = [arg for arg in call.args if not (arg.text.startswith("-") and set(arg.text[1:]) <= set("RvcfhHLP"))]
    deep = any(_letters(arg) & {"R"} for arg in call.args if arg not in args)
    if not args or not args[0].known:
        return [Finding(Effect.UNKNOWN, "changes rights in a way that is only known when it runs")]
    mode = args[0].text
    plain = _SYMBOLIC.fullmatch(mode) or _OCTAL.fullmatch(mode)
    opens = (
        mode.endswith(("2", "3", "6", "7"))
        if mode.isdigit()
        else re.search(r"(?:^|,)[ug]*[oa][ugoa]*[+=][rxX]*w", mode)
    )
    if not plain or opens:
        return [Finding(Effect.DESTRUCTIVE, f"gives rights that are rarely meant ({mode})")]
    results = [paths.write(call, arg) for arg in args[1:]]
    if deep and any(path == call.places.tree for path in map(call.absolute, args[1:])):
        results.append(Finding(Effect.DESTRUCTIVE, "changes the rights of the whole work tree"))
    return results


def _works(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Works on files, in the work tree or in scratch places."""
    results: list[Finding] = []
    for arg in found.operands:
        if not arg.known:
            results.append(paths.read(call, arg))
            continue
        path = call.absolute(arg)
        seen = paths.read(call, arg)
        if seen.effect is not Effect.READ:
            results.append(seen)
        elif path is None or (call.places.where(path) is Where.OUTSIDE and rule.effect is not Effect.READ):
            results.append(Finding(Effect.UNKNOWN, f"works on {arg.text}, outside the work tree"))
    return results


def _patches(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """`patch FILE PATCH` changes the first; what a patch names itself lies below, and patch leaves the directory to nobody."""
    return [paths.write(call, arg) for arg in found.operands[:1]] + [
        paths.read(call, arg) for arg in found.operands[1:]
    ]


def _rewrites(call: Call, rule: Rule, found: Given) -> list[Finding]:
    return [paths.write(call, arg) for arg in found.operands]


_TAR = {
    "-f": "archive",
    "--file": "archive",
    "-C": "dir",
    "--directory": "dir",
    "--cd": "dir",
    "-T": "file",
    "--files-from": "file",
    "-X": "file",
    "--exclude-from": "file",
    "--exclude": "value",
    "--strip-components": "value",
    "--transform": Effect.UNKNOWN.value,
    "--xform": Effect.UNKNOWN.value,
}
_TAR_PLAIN = re.compile(r"[ctxzjJavkmopwhSO]*[f]?|[ctxzjJavkmphSO]*f")
_TAR_LONG = frozenset(
    {
        "--create",
        "--extract",
        "--get",
        "--list",
        "--gzip",
        "--bzip2",
        "--xz",
        "--zstd",
        "--verbose",
        "--auto-compress",
        "--dereference",
    }
    | {
        "--no-same-owner",
        "--no-same-permissions",
        "--numeric-owner",
        "--totals",
        "--null",
        "--keep-old-files",
        "--wildcards",
        "--diff",
    }
    | {
        "--file",
        "--directory",
        "--cd",
        "--exclude",
        "--strip-components",
        "--files-from",
        "--exclude-from",
        "--to-stdout",
        "--one-file-system",
    }
)


def _tar(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Only the plain forms are read: tar has many options that run programs."""
    args = list(call.args)
    if args and not args[0].text.startswith("-"):
        args[0] = args[0].part(f"-{args[0].text}")
    letters, operands, results = "", list[Arg](), list[Finding]()
    archive: Arg | None = None
    while args:
        arg = args.pop(0)
        name, equals, value = arg.text.partition("=")
        if not arg.known and arg.text.startswith("-"):
            return [Finding(Effect.UNKNOWN, "tar with options that are only known when it runs")]
        if arg.text.startswith("--"):
            if name not in _TAR_LONG:
                return [Finding(Effect.UNKNOWN, f"tar with {name}, which is not known here")]
            letters += {"--create": "c", "--extract": "x", "--get": "x", "--list": "t"}.get(name, "")
            given_value = arg.part(value) if equals else args.pop(0) if name in _TAR and args else None
            results.extend(_tar_value(call, _TAR.get(name, ""), given_value))
            archive = given_value if name == "--file" else archive
        elif arg.text.startswith("-") and len(arg.text) > 1:
            if arg.text in ("-C", "-T", "-X"):
                results.extend(_tar_value(call, _TAR[arg.text], args.pop(0) if args else None))
                continue
            if not _TAR_PLAIN.fullmatch(arg.text[1:]):
                return [Finding(Effect.UNKNOWN, f"tar with {arg.text}, which is not known here")]
            letters += arg.text[1:]
            if arg.text.endswith("f") and args:
                archive = args.pop(0)
        else:
            operands.append(arg)
    return results + _tar_work(call, letters, archive, operands)


def _tar_value(call: Call, kind: str, value: Arg | None) -> list[Finding]:
    if value is None:
        return []
    if kind == "dir":
        return [paths.write(call, value)] if paths.where(call, value) is not Where.INSIDE else []
    return [paths.read(call, value)] if kind == "file" else []


def _tar_work(call: Call, letters: str, archive: Arg | None, operands: list[Arg]) -> list[Finding]:
    if archive is not None and ":" in archive.text:
        return [Finding(Effect.OUTWARD, "packs to or from another machine")]
    if "c" in letters:
        made = [paths.write(call, archive)] if archive is not None and archive.text != "-" else []
        globbed = [
            Finding(Effect.UNKNOWN, "a file's name could be read as an option")
            for arg in operands
            if arg.glob and arg.text.startswith(("*", "?", "["))
        ]
        return made + globbed + [paths.read(call, arg, deep=True) for arg in operands]
    if archive is None and call.input.kind == "none":
        return [Finding(Effect.UNKNOWN, "tar without an archive")]
    read = [paths.read(call, archive)] if archive is not None else []
    return read if "t" in letters else [*read, paths.write(call, Arg("tar-contents"))]


def _patch(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Codex takes `apply_patch` out of a command and writes the files of the patch itself."""
    text = call.input.text if call.input.kind == "text" else call.args[0].text if _only_known(call.args) else None
    files = [] if text is None or (call.args and call.input.kind == "text") else list(patched(text))
    if not files:
        return [Finding(Effect.UNKNOWN, "applies a patch that is only known when it runs")]
    if sum(one.deleted for one in files) > MAX_NAMED:
        return [Finding(Effect.DESTRUCTIVE, "deletes many files at once")]
    return [
        _removed(call, Arg(one.path), whole=False) if one.deleted else paths.write(call, Arg(one.path), fresh=True)
        for one in files
    ]


def _only_known(args: tuple[Arg, ...]) -> bool:
    return len(args) == 1 and args[0].known


KINDS: dict[str, Operands] = {
    "patch": _patch,
    "makes": _makes,
    "removes": _removes,
    "rm": _rm,
    "mv": _mv,
    "cp": _cp,
    "ln": _ln,
    "chmod": _chmod,
    "works": _works,
    "patches": _patches,
    "rewrites": _rewrites,
    "tar": _tar,
}
