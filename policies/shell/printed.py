"""What commands print, where that is known or harmless: for `$(…)`, and for the names that a pipe hands to xargs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from policies.shell.classes import Effect
from policies.shell.expand import HOLE, Arg, Expander
from policies.shell.names import NO_NAMES, Names
from policies.shell.places import Places, Where, reading
from policies.shell.tree import Node, Pipeline, Process, Script, Simple, Substitution

# What they print is a plain word: a date, a number, the name of a branch.
_PLAIN = frozenset(
    tuple(words.split())
    for words in (
        "date, whoami, hostname, uname, nproc, arch, id, wc, seq, expr, tput, stat, du, sw_vers, sysctl, getconf, ps, pgrep, lsof, tty,"
        " jobs, git rev-parse, git branch, git describe, git symbolic-ref, git rev-list, git merge-base, git log, git config,"
        " git remote, git hash-object, git write-tree, git stash, go list, jq"
    ).split(", ")
)
# What they print is the place of a tool chain or of the repository, and nobody chose it.
_PLACES = frozenset(
    tuple(words.split())
    for words in "go env, brew --prefix, npm root, npm prefix, npm bin, xcode-select -p, rustc --print, which, command -v".split(
        ", "
    )
)
_OF_REV_PARSE = frozenset(
    {"--show-toplevel", "--git-dir", "--git-common-dir", "--short", "--verify", "--abbrev-ref", "HEAD"}
)
_LISTERS = {("git", "ls-files"), ("git", "diff"), ("git", "show"), ("find",), ("fd",), ("ls",), ("rg",), ("grep",)}
_FILTERS = frozenset({"grep", "egrep", "fgrep", "sort", "uniq", "head", "tail", "wc", "rg", "tac"})


def prints(part: Substitution | Process, expander: Expander, tree: str | None) -> Arg:
    """What a substitution becomes: a known text, a harmless unknown one, or an unknown one."""
    if isinstance(part, Process):
        return Arg("/dev/fd/63")
    quoted = part.quoted
    nodes = part.body.nodes
    if len(nodes) == 1 and isinstance(nodes[0], Simple):
        known = _known(nodes[0], expander, tree)
        if known is not None:
            return known
    trusted = _all(part.body, _PLACES) or lists_names(part.body, expander).plain
    return Arg(HOLE, known=False, trusted=trusted, tame=trusted or _all(part.body, _PLAIN), several=not quoted)


def _known(node: Simple, expander: Expander, tree: str | None) -> Arg | None:
    args = expander.words(node.words)
    if not args or node.assignments or not all(arg.known for arg in args):
        return None
    words = [arg.text for arg in args]
    if words == ["pwd"] and expander.state.cwd is not None:
        return Arg(expander.state.cwd)
    if words == ["git", "rev-parse", "--show-toplevel"] and tree is not None:
        return Arg(tree)
    if (
        words[0] == "echo"
        and not any(word.startswith("-") or "\\" in word for word in words[1:])
        and not any(arg.glob for arg in args)
    ):
        return Arg(" ".join(words[1:])) if not node.redirects else None
    if words[0] in ("dirname", "basename") and len(words) == 2:
        directory, slash, name = words[1].rstrip("/").rpartition("/")
        return Arg(name if words[0] == "basename" else directory or ("/" if slash else "."))
    if words[0] == "mktemp" and all(word in ("-d", "-t", "-u", "-q") for word in words[1:2]):
        return Arg("/tmp/mktemp")  # noqa: S108
    if words == ["cat"] and len(node.redirects) == 1 and node.redirects[0].document and node.redirects[0].document.text:
        text = expander.single(node.redirects[0].document.text)
        return text if text.known else None
    return None


def _all(script: Script, programs: frozenset[tuple[str, ...]]) -> bool:
    """Whether all of it is done by `programs`, and by filters of what they print."""
    return bool(script.nodes) and all(_done_by(node, programs) for node in script.nodes)


def _done_by(node: Node, programs: frozenset[tuple[str, ...]]) -> bool:
    if isinstance(node, Pipeline):
        return _done_by(node.stages[0], programs) and all(_is_filter(stage) for stage in node.stages[1:])
    words = _words(node)
    if words[:2] == ["git", "rev-parse"] and programs is _PLACES:
        return set(words[2:]) <= _OF_REV_PARSE
    return bool(words) and (tuple(words[:1]) in programs or tuple(words[:2]) in programs)


def lists_names(source: Script | Node, expander: Expander) -> Names:
    """What names of files of the work tree it prints; none where it prints something else, or what somebody chose."""
    if isinstance(source, Script):
        return lists_names(source.nodes[0], expander) if len(source.nodes) == 1 else NO_NAMES
    stages = source.stages if isinstance(source, Pipeline) else (source,)
    first = stages[0]
    if not isinstance(first, Simple) or first.assignments or not all(_is_filter(stage) for stage in stages[1:]):
        return NO_NAMES
    found = names_found(expander.places, expander.state.cwd, expander.words(first.words))
    return found.anywhere() if any(_chooses(stage) for stage in stages[1:]) else found


def names_found(places: Places, cwd: str | None, args: Sequence[Arg]) -> Names:
    """What names a lister such as `find` prints."""
    words = [arg.text for arg in args]
    if not (tuple(words[:1]) in _LISTERS or tuple(words[:2]) in _LISTERS) or not all(arg.known for arg in args):
        return NO_NAMES
    if places.where(cwd) not in (Where.INSIDE, Where.SCRATCH):
        return NO_NAMES
    for word in words[1:]:
        path = places.absolute(word, cwd)
        away = word.startswith(("/", "..")) or "/.." in word
        if away and places.where(path) not in (Where.INSIDE, Where.SCRATCH):
            return NO_NAMES
        if (
            path is not None
            and reading(path, places, glob=True).effect is Effect.SECRETS
            and not _STARS.fullmatch(word)
        ):
            return NO_NAMES
    return _named(words)


_STARS = re.compile(r"(?:\*\*/)?\*\.[A-Za-z0-9]+")
_PLAIN_NAME = re.compile(r".*\.[A-Za-z][A-Za-z0-9]*")
_SOURCE_ENDINGS = frozenset(
    "py pyi ts tsx js jsx mjs cjs go rs java kt rb php c h cc cpp hpp cs swift scala css scss less html md mdx txt vue svelte sql ex"
    " exs erl hs ml clj lua dart r jl proto graphql rst tex".split()
)
_PLAIN_ENDINGS = _SOURCE_ENDINGS | frozenset("lock svg csv tsv log snap map tf gradle cmake mk sum mod".split())


def _named(words: list[str]) -> Names:
    """What the options of a lister leave: names with ordinary endings, files that git tracks, or any."""
    letters = {letter for word in words if word.startswith("-") and not word.startswith("--") for letter in word[1:]}
    if words[0] == "find":
        return _found(words)
    if words[0] in ("rg", "grep"):
        named = {"l", "L"} & letters or {"--files", "--files-with-matches", "--files-without-match"} & set(words)
        hidden = {"u", "."} & letters or {"--hidden", "--no-ignore", "--unrestricted"} & set(words)
        below = [word for word in words[1:] if not word.startswith("-")][1:]
        source = bool(below) and all(re.match(r"[A-Za-z0-9_]", word) for word in below)
        return Names(True, words[0] == "rg" and not hidden, source) if named else NO_NAMES
    if words[:2] in (["git", "diff"], ["git", "show"]):
        return Names(True, True) if "--name-only" in words else NO_NAMES
    if words[:2] == ["git", "ls-files"]:
        return Names(True, not ({"o", "i"} & letters or {"--others", "--ignored"} & set(words)))
    return Names(True)


def _found(words: list[str]) -> Names:
    """`find`: what its `-name` leaves."""
    if any(word.startswith(("-printf", "-fprint", "-fls", "-ls")) for word in words):
        return NO_NAMES
    patterns = [words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-name", "-iname")]
    negated = [
        words[at + 2]
        for at in range(len(words) - 2)
        if words[at] in ("-not", "!") and words[at + 1] in ("-name", "-iname")
    ]
    wanted = [one for one in patterns if one not in negated]
    exact = all("*" not in one and "?" not in one and "[" not in one for one in wanted)
    endings = {one.rpartition(".")[2].lower() for one in wanted if _PLAIN_NAME.fullmatch(one)}
    alike = bool(wanted) and all(_PLAIN_NAME.fullmatch(one) for one in wanted) and not {"-o", "-or", ","} & set(words)
    return Names(True, alike and (exact or endings <= _PLAIN_ENDINGS), alike and endings <= _SOURCE_ENDINGS)


def _chooses(node: Node) -> bool:
    """Whether a filter picks names by what they are: `grep -v` and sorting leave only ordinary ones out."""
    words = _words(node)
    return words[0] in ("grep", "egrep", "fgrep", "rg") and not any(
        word.startswith("-") and "v" in word for word in words[1:]
    )


def _is_filter(node: Node) -> bool:
    words = _words(node)
    return bool(words) and words[0] in _FILTERS


def _words(node: Node) -> list[str]:
    if not isinstance(node, Simple):
        return []
    return [word.literal or HOLE for word in node.words]
