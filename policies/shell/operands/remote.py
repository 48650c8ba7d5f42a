"""Other machines, clusters and clouds: what only looks, and what sends."""

from __future__ import annotations

import posixpath
import re

from policies.shell.call import Call, Operands
from policies.shell.classes import Effect, Finding
from policies.shell.expand import Arg
from policies.shell.operands import paths
from policies.shell.options import Given
from policies.shell.secrets import holds_secrets
from policies.shell.table import Rule

_LOCAL_URL = re.compile(
    r"^(?:https?://)?(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)(?::[0-9]{1,5})?(?:[/?][^\s@]*)?$"
)
# Ports at which this very machine is steered: container engines, clusters, browsers and debuggers.
_POWERFUL = re.compile(r":(?:2375|2376|2377|10250|10255|6443|8001|9222|9229)(?:[/?]|$)")
_REMOTE_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*$")
_HTTPS = re.compile(r"^https://[\w.-]+(?::[0-9]+)?/[\w./~-]*$")


def _unknown(why: str) -> list[Finding]:
    return [Finding(Effect.UNKNOWN, why)]


# -- curl

_CURL_FLAGS = frozenset("sSfiIvkLgN#0146j")
_CURL_LONG = frozenset(
    "--silent --show-error --fail --include --head --verbose --insecure --location --compressed --no-progress-meter --fail-with-body"
    " --progress-bar --http1.1 --http2 --globoff --no-buffer --get --ipv4 --ipv6".split()
)
_CURL_VALUED = frozenset(
    "-X -H -d -m -A -w -o --request --header --data --data-raw --data-binary --data-urlencode --json --max-time --connect-timeout"
    " --retry"
    " --retry-delay --user-agent --write-out --output --retry-connrefused --retry-max-time -e --referer".split()
)
_CURL_SENDS = frozenset("-d --data --data-raw --data-binary --data-urlencode --json".split())


def _curl(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Asking a server on this very machine is local; all else goes out. Only plain options are read."""
    outward = [Finding(Effect.OUTWARD, "talks to another machine")]
    method, urls, args = "GET", list[Arg](), list(call.args)
    results: list[Finding] = []
    while args:
        arg = args.pop(0)
        if not arg.known:
            return outward
        name = arg.text
        if arg.text.startswith("--"):
            if arg.text in _CURL_LONG:
                method = "HEAD" if arg.text == "--head" else method
                continue
            if arg.text not in _CURL_VALUED or not args:
                return outward
            given_value = args.pop(0)
        elif arg.text.startswith("-") and len(arg.text) > 1:
            letters = arg.text[1:]
            while letters and letters[0] in _CURL_FLAGS:
                letters = letters[1:]
            if not letters:
                continue
            name = f"-{letters[0]}"
            if name not in _CURL_VALUED:
                return outward
            given_value = arg.part(letters[1:]) if letters[1:] else args.pop(0) if args else arg.part("")
        else:
            urls.append(arg)
            continue
        if name in ("-o", "--output"):
            results.append(paths.write(call, given_value, fresh=True))
        elif name in ("-X", "--request"):
            method = given_value.text.upper()
        elif name in _CURL_SENDS:
            method = method if method != "GET" else "POST"
            if given_value.text.startswith("@") or "@" in given_value.text.split("=")[0]:
                results.append(paths.read(call, given_value.part(given_value.text.rpartition("@")[2])))
        elif given_value.text.startswith("@") or (name in ("-w", "--write-out") and "%output" in given_value.text):
            return outward
    if not urls or not all(
        _LOCAL_URL.match(url.text) and "{" not in url.text and not _POWERFUL.search(url.text) for url in urls
    ):
        return [*results, *outward]
    if method == "DELETE":
        return [*results, Finding(Effect.DESTRUCTIVE, "deletes what a server on this machine keeps")]
    return [
        *results,
        Finding(Effect.READ if method in ("GET", "HEAD") else Effect.LOCAL, "asks a server on this machine"),
    ]


# -- GitHub's API

_FIELDS = frozenset({"-f", "-F", "--raw-field", "--field"})


def _ghapi(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Reading is a GET, or a GraphQL query without a mutation; only plain options are read."""
    acts = [Finding(Effect.OUTWARD, "changes something on GitHub")]
    operands, fields, method, args = list[Arg](), list[Arg](), "", list(call.args)
    while args:
        arg = args.pop(0)
        name, equals, value = arg.text.partition("=")
        if not arg.text.startswith("-"):
            operands.append(arg)
        elif name in _FIELDS or arg.text[:2] in _FIELDS:
            attached = (
                arg.text[2:]
                if arg.text[:2] in _FIELDS and name not in _FIELDS
                else value
                if equals and name in _FIELDS and name.startswith("--")
                else ""
            )
            fields.append(arg.part(attached) if attached else args.pop(0) if args else arg.part(""))
        elif name in ("-X", "--method") or arg.text.startswith("-X"):
            method = (
                value
                if equals
                else arg.text[2:]
                if len(arg.text) > 2 and not arg.text.startswith("--")
                else args.pop(0).text
                if args
                else "?"
            )
        elif name in ("-q", "--jq", "-t", "--template", "-H", "--header", "--cache", "-p", "--preview"):
            if not equals and args and len(arg.text) == len(name):
                args.pop(0)
        elif name not in ("--paginate", "--slurp", "-i", "--include", "--silent", "--verbose"):
            return acts
    if not operands or not operands[0].known:
        return acts
    endpoint = operands[0].text.strip("/")
    if endpoint == "graphql":
        return _graphql(fields, acts) if method.upper() in ("", "POST") else acts
    if method.upper() not in ("", "GET") or (fields and method.upper() != "GET"):
        return acts
    if re.search(r"(?:^|/)(?:installation|tokens?|secrets?|keys)(?:/|$)", endpoint):
        return [Finding(Effect.SECRETS, "asks GitHub for keys or tokens")]
    if holds_secrets(endpoint.partition("?")[0]):
        return [Finding(Effect.SECRETS, "reads a file where secrets are kept")]
    return [Finding(Effect.READ, "looks at GitHub")]


def _graphql(fields: list[Arg], acts: list[Finding]) -> list[Finding]:
    queries = 0
    for one in fields:
        name, _, value = one.text.partition("=")
        queries += name == "query"
        if (
            name == "query" and (not one.known or re.search(r"\b(?:mutation|subscription)\b", value))
        ) or value.startswith("@"):
            return acts
    return [Finding(Effect.READ, "looks at GitHub")] if queries == 1 else acts


# -- git's remotes, and what checkout means

_STRATEGIES = frozenset({"ort", "recursive", "resolve", "octopus", "ours", "theirs", "subtree"})
_HARMLESS_SETTINGS = re.compile(
    r"^(?:color\.[\w.]+|user\.(?:name|email)|core\.(?:quotepath|autocrlf|abbrev|filemode|ignorecase|longpaths|precomposeunicode|safecrlf|eol)|advice\.[\w]+"
    r"|init\.defaultbranch|commit\.gpgsign|tag\.gpgsign|log\.[\w.]+|diff\.(?:renames|renamelimit|algorithm|context|noprefix|mnemonicprefix|colormoved)"
    r"|merge\.(?:conflictstyle|ff|renames)|pull\.(?:rebase|ff)|push\.default|status\.[\w.]+|column\.[\w.]+|grep\.[\w.]+|rebase\.[\w]+|blame\.[\w.]+|fetch\.[\w]+"
    r"|gc\.auto|pack\.[\w]+|protocol\.version|http\.(?:lowspeedlimit|lowspeedtime|postbuffer)|feature\.\w+|index\.\w+|maintenance\.\w+)=",
    re.IGNORECASE,
)
_NO_PAGER = re.compile(r"^core\.pager=(?:cat|)$|^pager\.\w+=false$", re.IGNORECASE)


def git_setting(value: Arg) -> list[Finding]:
    """`git -c name=value`: most settings are looks; some run programs."""
    if value.known and (_HARMLESS_SETTINGS.match(value.text) or _NO_PAGER.match(value.text)):
        return []
    return _unknown(f"git with the setting {value.text.partition('=')[0]}, which can run a program")


def git_strategy(value: Arg) -> list[Finding]:
    """`git merge -s name`: a name that git does not know runs a program of that name."""
    return [] if value.known and value.text in _STRATEGIES else _unknown("git with a merge strategy that is not known")


_CONFIG_READS = frozenset(
    {
        "--get",
        "--get-all",
        "--get-regexp",
        "--get-urlmatch",
        "--get-color",
        "--list",
        "-l",
        "--show-origin",
        "--show-scope",
        "--name-only",
    }
)
_CONFIG_PLAIN = frozenset(
    {
        "--local",
        "--global",
        "--system",
        "--worktree",
        "--includes",
        "--no-includes",
        "-z",
        "--null",
        "--type",
        "--bool",
        "--int",
        "--path",
        "--default",
        "-f",
        "--file",
        "--blob",
    }
)


def _gitconfig(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Asking for a setting looks; setting one's name in this repository is local; any other setting may run a program."""
    names = {option.name for option in found.options}
    words = [arg.text if arg.known else "?" for arg in found.operands]
    if names - _CONFIG_READS - _CONFIG_PLAIN:
        return _unknown("changes how git works; some settings run programs")
    if any(re.search(r"extraheader|token|passw|secret|auth", word, re.IGNORECASE) for word in words):
        return [Finding(Effect.SECRETS, "asks git for a password or token")]
    if names & _CONFIG_READS or words[:1] in (["get"], ["list"]) or len(words) == 1:
        return [Finding(Effect.READ, "looks at git's settings")]
    if words[:1] in (["user.name"], ["user.email"]) and not names - {"--local"}:
        return [Finding(Effect.LOCAL, "says who commits here")]
    return _unknown("changes how git works; some settings run programs")


def _worktree(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Another work tree beside this one, as git's manual has it, or in it; anywhere else it is a write like any other."""
    places = [*found.operands[:1]] if rule.name[-1] == "add" else [*found.operands]
    results: list[Finding] = []
    for arg in places:
        path = call.absolute(arg)
        beside = path is not None and call.places.tree is not None
        beside = beside and posixpath.dirname(str(path)) == posixpath.dirname(str(call.places.tree))
        if not beside or path == call.places.tree:
            results.append(paths.write(call, arg))
    return results


_TELLS = re.compile(r"auth|token|passw|secret|otp|key|cert", re.IGNORECASE)


def _setting(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """One setting of a package manager: some are tokens."""
    if any(not arg.known or _TELLS.search(arg.text) for arg in found.operands):
        return [Finding(Effect.SECRETS, "asks for a setting that may be a token")]
    return []


def _remote(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """A remote by its name, and branches; another address is somewhere else."""
    results: list[Finding] = []
    for at, arg in enumerate(found.operands):
        if not arg.known and not arg.tame:
            return _unknown("git with a place that is only known when it runs")
        named = _REMOTE_NAME.match(arg.text) or (at and re.fullmatch(r"[\w./:@^~*-]+", arg.text))
        if at == 0 and not named and not (_HTTPS.match(arg.text) and rule.effect is Effect.READ):
            results.append(Finding(Effect.OUTWARD, f"fetches from {arg.text}"))
        elif arg.text.startswith("+"):
            results.append(Finding(Effect.DESTRUCTIVE, f"overwrites a branch ({arg.text})"))
        elif at and not named:
            results.extend(_unknown(f"git with {arg.text}, which is not read"))
    return results


def _push(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """A reference with a plus overwrites, one with nothing before the colon deletes."""
    refs = [arg.text for arg in found.operands[1:] if arg.text.startswith(("+", ":"))]
    return [Finding(Effect.DESTRUCTIVE, f"overwrites or deletes what others have ({refs[0]})")] if refs else []


_FILE_LIKE = re.compile(r"(?:\.[A-Za-z][A-Za-z0-9]{0,5}$)|^\.{1,2}$|^\./|[*?\[]|/$|^:")


def _checkout(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """A branch, or files: only a branch leaves uncommitted work alone."""
    makes = found.has("-b", "--orphan")
    separated = any(arg.text == "--" for arg in call.args)
    files = (
        found.ended
        or separated
        or len(found.operands) > 1
        or any(_FILE_LIKE.search(arg.text) for arg in found.operands)
    )
    if files and not (makes and not separated and len(found.operands) <= 1):
        return [Finding(Effect.DESTRUCTIVE, "throws uncommitted changes of files away")]
    unknown = [arg for arg in found.operands if not arg.known and not arg.tame]
    return _unknown("checks out what is only known when it runs") if unknown else []


# -- containers, clusters and clouds


def _inner(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """The command in a container or cluster is never less than unknown; what it deletes counts as deleted."""
    words = [arg for arg in found.operands if arg.text != "--"][1:]
    inner = call.around.judge(call.instead(words)) if words else []
    return [one for one in inner if not one.effect.harmless] or _unknown(rule.means)


def _cluster(call: Call, rule: Rule, found: Given) -> list[Finding]:
    kinds = " ".join(arg.text for arg in found.operands)
    shows = any(option.name in ("-o", "--output") for option in found.options) or "describe" in rule.name
    if re.search(r"(?:^|[\s,/])secrets?(?:$|[\s,/.])", kinds, re.IGNORECASE) and shows:
        return [Finding(Effect.SECRETS, "shows secrets of the cluster")]
    if any(not arg.known and not arg.tame for arg in found.operands):
        return _unknown("asks for what is only known when it runs")
    return [
        paths.read(call, value)
        for option in found.options
        if option.name in ("-f", "--filename") and (value := option.value)
    ]


_AWS_READS = re.compile(
    r"^(?:describe|list|get|head|search|lookup|batch-get|estimate|filter|view|validate|scan|query|select)(?:-[a-z0-9-]+)?$|^(?:ls|wait|help|tail)$"
)
_AWS_SECRETS = re.compile(
    r"secret|password|credential|token|decrypt|get-parameter|get-caller-identity-token|access-key|get-object|login|kubeconfig|presign|export|private|key-pair"
)


def _aws(call: Call, rule: Rule, found: Given) -> list[Finding]:
    return _cloud_words(call, found, reads=_AWS_READS, place=1)


_CLOUD_READS = re.compile(
    r"^(?:list|describe|show|get|get-value|read|tail|status|version|info|ls|search|exists|print|check)(?:-[a-z0-9-]+)?$|^(?:help|--version)$"
)


def _cloud(call: Call, rule: Rule, found: Given) -> list[Finding]:
    return _cloud_words(call, found, reads=_CLOUD_READS, place=None)


def _cloud_words(call: Call, found: Given, *, reads: re.Pattern[str], place: int | None) -> list[Finding]:
    acts = [Finding(Effect.OUTWARD, "changes something in the cloud")]
    words: list[str] = []
    for arg in call.args:
        if arg.text.startswith("-"):
            break
        words.append(arg.text if arg.known else "?")
    leading = {option.name for option in found.options}
    if leading & {
        "--endpoint-url",
        "--cli-input-json",
        "--cli-input-yaml",
        "--ca-bundle",
        "--impersonate-service-account",
        "--flags-file",
        "--no-verify-ssl",
    }:
        return acts
    if not words:
        return [Finding(Effect.READ, "shows its version")] if leading <= {"--version", "--help"} and leading else acts
    verbs = words[place : place + 1] if place is not None else [word for word in words if reads.match(word)][:1]
    text = " ".join(words)
    if _AWS_SECRETS.search(text):
        return [Finding(Effect.SECRETS, "asks the cloud for secrets")]
    if re.search(
        r"\b(?:delete|remove|destroy|terminate|purge|rm|rb|drop)\b|delete-|remove-|terminate-|deregister-", text
    ):
        return [Finding(Effect.DESTRUCTIVE, "deletes something in the cloud")]
    if verbs and reads.match(verbs[0]) and not any(arg.text.startswith(("file://", "fileb://")) for arg in call.args):
        if any(not arg.known and not arg.tame for arg in call.args):
            return _unknown("asks the cloud for what is only known when it runs")
        return [Finding(Effect.READ, "looks at the cloud")]
    return acts


# -- processes


_OWN_JOBS = re.compile(r"%(?:[0-9]+|[!%+-])?")


def _kill(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Ending what this very command line started is part of its work; any other process is somebody's."""
    jobs = [arg for arg in call.args if not arg.text.startswith("-") and not arg.text.isupper()]
    own = bool(jobs) and all(arg.known and _OWN_JOBS.fullmatch(arg.text) for arg in jobs)
    return [] if own else [Finding(Effect.DESTRUCTIVE, "ends processes")]


def _ps(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """Without a dash `e` shows the environment of every process."""
    shows = any(re.fullmatch(r"[a-zA-Z]*[eE][a-zA-Z]*", arg.text) for arg in found.operands) and not found.options
    return [Finding(Effect.SECRETS, "shows the environment of other programs")] if shows else []


KINDS: dict[str, Operands] = {
    "worktree": _worktree,
    "setting": _setting,
    "curl": _curl,
    "ghapi": _ghapi,
    "gitconfig": _gitconfig,
    "remote": _remote,
    "push": _push,
    "checkout": _checkout,
    "inner": _inner,
    "cluster": _cluster,
    "aws": _aws,
    "cloud": _cloud,
    "kill": _kill,
    "ps": _ps,
}
