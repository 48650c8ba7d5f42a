"""Database clients: what only looks runs, as far as the statements are on the command line and can be read."""

from __future__ import annotations

import re

from policies.shell.call import Call, Operands
from policies.shell.classes import Effect, Finding
from policies.shell.expand import Arg
from policies.shell.operands import paths
from policies.shell.options import Given, given
from policies.shell.table import Rule

_TEXTS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_READS = re.compile(r"^\s*(?:select|show|explain|describe|desc|with|values|table|pragma)\b", re.IGNORECASE)
_ACTS = re.compile(
    r"\b(?:insert|update|delete|drop|truncate|alter|create|grant|revoke|replace|merge|upsert|copy|call|do|execute|exec|vacuum|reindex|cluster|lock|set|reset"
    r"|into|attach|detach|load|import|export|install|unload|put|begin|commit|rollback|kill|shutdown|use|handler|rename|optimize|analyze|refresh|notify|listen"
    r"|comment|reassign|security|outfile|dumpfile|for\s+(?:update|share|no\s+key))\b",
    re.IGNORECASE,
)
_POWERS = re.compile(
    r"\b(?:pg_(?:terminate|cancel|read|write|ls|reload|rotate|switch|promote|stat_reset|create|drop|logical|replication|advisory|file|import|export)\w*|lo_\w+"
    r"|dblink\w*|set_config|setval|nextval|query_to_xml\w*|database_to_xml\w*|load_file|load_extension|writefile|readfile|edit|fts3_tokenizer|sys_exec|sys_eval"
    r"|xp_\w+|sp_\w+|sleep|pg_sleep|benchmark|get_lock|master_pos_wait|url|file|s3|remote|executable|read_(?:text|blob|csv\w*|parquet|json\w*)|glob)\s*\(",
    re.IGNORECASE,
)
_SECRET_TABLES = re.compile(
    r"\b(?:pg_shadow|pg_authid|mysql\.user|user_mapping|pg_user_mapping\w*|password\w*|secrets?|tokens?|credentials?|api_keys?)\b",
    re.IGNORECASE,
)
_PSQL_LOOKS = re.compile(
    r"^\\(?:d[a-zA-Z+]*S?\+?|l\+?|conninfo|encoding|z|sf\+?|sv\+?|timing|x|a|t|pset [\w ]+)(?:\s+[\w.*\"]+)?$"
)
_SQLITE_LOOKS = re.compile(
    r"^\.(?:schema|tables|indexes|indices|databases|dbinfo|headers?|mode|width|show|stats|fullschema|nullvalue|separator|timer|version|help)(?:\s+[\w.*%-]+)*$"
)
_PRAGMA_LOOKS = re.compile(r"^\s*pragma\s+[\w.]+(?:\s*\(\s*[\w\"']+\s*\))?\s*;?\s*$", re.IGNORECASE)
_REDIS_READS = frozenset(
    "get mget keys scan info ttl pttl type exists strlen llen lrange lindex scard smembers sismember hget hmget hgetall hkeys hvals"
    " hlen hexists zcard zrange"
    " zscore zrank zcount dbsize ping echo time lastsave memory object getrange bitcount xlen xrange xinfo pubsub role command".split()
)
_MONGO_READS = re.compile(
    r"^\s*(?:db(?:\.\w+|\.getCollection\([\"'][\w.]+[\"']\))?\.(?:find|findOne|countDocuments|estimatedDocumentCount|stats|getCollectionNames|getIndexes|distinct|version|serverStatus|getName)"
    r"\([^()$]*\)(?:\.(?:limit|skip|sort|count|pretty|toArray|size)\([^()$]*\))*|show \w+|db)\s*;?\s*$"
)


def sql_finding(text: str) -> Finding:
    """What statements of SQL do: only such as look are a read, and only where nothing in them acts."""
    statements = [part for part in _TEXTS.sub(" '' ", text).split(";") if part.strip()]
    if not statements:
        return Finding(Effect.READ, "asks nothing")
    for one in statements:
        if _ACTS.search(one) and not _harmless_word(one):
            word = _ACTS.search(one)
            return Finding(Effect.DESTRUCTIVE, f"changes the database ({word.group().upper() if word else ''})")
        if _SECRET_TABLES.search(one):
            return Finding(Effect.SECRETS, "asks the database for passwords or tokens")
        if not _READS.match(one) or _POWERS.search(one) or "\\" in one or "$$" in one:
            return Finding(Effect.UNKNOWN, "asks the database something that is not read")
        if re.match(r"\s*pragma", one, re.IGNORECASE) and not _PRAGMA_LOOKS.match(one):
            return Finding(Effect.UNKNOWN, "changes a setting of the database")
    return Finding(Effect.READ, "looks at the database")


def _harmless_word(statement: str) -> bool:
    """A word that also has a harmless meaning: a function `replace(…)`, `set` of a plain `show`, a quoted column."""
    bare = re.sub(r'"[^"]*"|`[^`]*`', " x ", statement)
    bare = re.sub(r"\breplace\s*\(", "f(", bare, flags=re.IGNORECASE)
    bare = re.sub(r"^\s*(?:show|describe|desc)\b.*", "", bare, flags=re.IGNORECASE | re.DOTALL)
    return not _ACTS.search(bare)


_LOCAL_HOSTS = frozenset(
    {"localhost", "127.0.0.1", "::1", "db", "postgres", "mysql", "redis", "mongo", "/var/run/postgresql"}
)
_LIVE = re.compile(r"(?:^|[-_./])(?:prod|production|live)(?:$|[-_./])", re.IGNORECASE)
_LOCAL_URL = re.compile(r"@?(?:localhost|127\.0\.0\.1)[:/]")
_OPENS = {"-l", "--list", "--version", "-V", "--help"}

# For each client its options: a statement, a host, a file of statements, where it writes, a plain value; all else is not read.
_PSQL = {
    **dict.fromkeys(("-c", "--command"), "statement"),
    **dict.fromkeys(("-h", "--host"), "host"),
    **dict.fromkeys(("-f", "--file"), "runs"),
    **dict.fromkeys(("-o", "--output", "-L", "--log-file"), "write"),
    **dict.fromkeys(
        ("-U", "--username", "-d", "--dbname", "-p", "--port", "-P", "--pset", "-v", "--set", "--variable"), "value"
    ),
    **dict.fromkeys(("-F", "-R", "--field-separator", "--record-separator", "-T", "--table-attr"), "value"),
    **dict.fromkeys(
        ("-t", "-A", "-q", "-x", "-X", "-w", "-E", "-a", "-e", "-1", "-l", "-n", "-s", "-S", "--csv", "-H", "--html"),
        "flag",
    ),
    **dict.fromkeys(
        ("--no-psqlrc", "--tuples-only", "--no-align", "--expanded", "--quiet", "--list", "--single-transaction"),
        "flag",
    ),
    **dict.fromkeys(("--no-password", "-V", "--version", "--help", "--echo-all", "--echo-queries"), "flag"),
}
_MYSQL = {
    **dict.fromkeys(("-e", "--execute"), "statement"),
    **dict.fromkeys(("-h", "--host"), "host"),
    **dict.fromkeys(("--tee",), "write"),
    **dict.fromkeys(
        ("-u", "--user", "-P", "--port", "-D", "--database", "--protocol", "--default-character-set"), "value"
    ),
    **dict.fromkeys(
        ("-N", "-B", "-t", "-s", "-r", "-E", "-G", "--table", "--batch", "--silent", "--skip-column-names", "--raw"),
        "flag",
    ),
    **dict.fromkeys(("-V", "--version", "--help", "--vertical", "-v", "--verbose"), "flag"),
}
_SQLITE = {
    **dict.fromkeys(("-cmd",), "statement"),
    **dict.fromkeys(("-separator", "-nullvalue", "-newline", "-mmap", "-vfs"), "value"),
    **dict.fromkeys(
        ("-header", "-noheader", "-csv", "-json", "-line", "-list", "-column", "-box", "-table", "-markdown", "-html"),
        "flag",
    ),
    **dict.fromkeys(
        ("-readonly", "-batch", "-bail", "-echo", "-version", "--version", "-tabs", "-quote", "-stats", "-ascii"),
        "flag",
    ),
}
_MONGO = {
    **dict.fromkeys(("--eval",), "statement"),
    **dict.fromkeys(("--host",), "host"),
    **dict.fromkeys(("--port", "-u", "--username", "--authenticationDatabase"), "value"),
    **dict.fromkeys(("--quiet", "--json", "--version", "--norc"), "flag"),
}
_CLIENTS = {
    **dict.fromkeys(("psql", "pgcli"), _PSQL),
    **dict.fromkeys(("mysql", "mariadb", "mycli"), _MYSQL),
    **dict.fromkeys(("sqlite3", "sqlite", "duckdb", "litecli"), _SQLITE),
    **dict.fromkeys(("mongosh", "mongo"), _MONGO),
}
_TAKES = {"statement": "value", "host": "value", "runs": "value"}


def _sql(call: Call, rule: Rule, found: Given) -> list[Finding]:
    if call.program in ("redis-cli", "valkey-cli", "keydb-cli"):
        return _redis(call)
    kinds = _CLIENTS.get(call.program)
    if kinds is None:
        return [Finding(Effect.UNKNOWN, f"{call.program} works on a database in ways that are not read")]
    told = given(call.args, {name: _TAKES.get(kind, kind) for name, kind in kinds.items()})
    odd = [option.name for option in told.options if option.name not in kinds]
    if odd or any(not arg.known for arg in call.args if arg.text.startswith("-")):
        return [
            Finding(Effect.UNKNOWN, f"a database client with {odd[0] if odd else 'options'}, which is not read"),
            *_statements(call, told, kinds),
        ]
    values = [(kinds[option.name], option.value) for option in told.options if option.value is not None]
    results = [Finding(Effect.DESTRUCTIVE, "runs SQL from a file") for kind, _ in values if kind == "runs"]
    results += [paths.write(call, value) for kind, value in values if kind == "write"]
    results += _whereabouts(
        call, told, [value for kind, value in values if kind == "host"], [value for _, value in values]
    )
    return results + _statements(call, told, kinds)


def _whereabouts(call: Call, told: Given, hosts: list[Arg], values: list[Arg]) -> list[Finding]:
    """Which database it is: another machine's, a production one, or one that only the run tells."""
    results: list[Finding] = []
    named = [arg for arg in (*told.operands, *values) if "://" in arg.text and not _LOCAL_URL.search(arg.text)]
    named += [arg for arg in (*told.operands, *values) if re.search(r"\bhost(?:addr)?\s*=", arg.text)]
    if named or any(host.text not in _LOCAL_HOSTS for host in hosts):
        results.append(Finding(Effect.OUTWARD, "works on a database of another machine"))
    if any(not arg.known for arg in told.operands[:1]):
        results.append(Finding(Effect.UNKNOWN, "works on a database that is only known when it runs"))
    if any(_LIVE.search(arg.text) for arg in (*told.operands[:1], *values)):
        results.append(Finding(Effect.OUTWARD, "works on a production database"))
    if call.program in ("sqlite3", "sqlite", "duckdb"):
        results.extend(paths.read(call, arg) for arg in told.operands[:1])
    return results


def _statements(call: Call, told: Given, kinds: dict[str, str]) -> list[Finding]:
    """What is asked of the database: on the command line, or through its input."""
    statements = [
        option.value for option in told.options if kinds.get(option.name) == "statement" and option.value is not None
    ]
    results: list[Finding] = []
    if kinds is _SQLITE:
        statements += told.operands[1:]
    elif kinds is _MONGO and any(arg.text.endswith(".js") for arg in told.operands):
        results.append(Finding(Effect.DESTRUCTIVE, "runs a script on the database"))
    if call.input.text is not None:
        statements.append(Arg(call.input.text))
    elif call.input.kind != "none":
        results.append(Finding(Effect.DESTRUCTIVE, "runs statements from its input"))
    opens = any(option.name in _OPENS or kinds.get(option.name) == "runs" for option in told.options)
    if not statements and not results and not opens:
        results.append(Finding(Effect.UNKNOWN, "opens a database to be typed into"))
    return results + [_statement(call.program, one) for one in statements]


def _statement(program: str, one: Arg) -> Finding:
    if not one.known:
        return Finding(Effect.UNKNOWN, "runs statements that are only known when it runs")
    text = one.text.strip()
    if program in ("mongosh", "mongo"):
        reads = _MONGO_READS.match(text)
        return (
            Finding(Effect.READ, "looks at the database")
            if reads
            else Finding(Effect.DESTRUCTIVE, "runs code on the database")
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    meta = [line for line in lines if line.startswith(("\\", "."))]
    looks = _PSQL_LOOKS if program in ("psql", "pgcli") else _SQLITE_LOOKS
    if any(not looks.match(line) for line in meta):
        return Finding(Effect.DESTRUCTIVE, f"has the client run {meta[0].split()[0]}")
    return sql_finding("\n".join(line for line in lines if line not in meta))


def _redis(call: Call) -> list[Finding]:
    known = dict.fromkeys(
        ("-h", "-p", "-s", "-a", "-u", "-n", "--user", "--pass", "-r", "-i", "-d", "-D", "-t"), "value"
    )
    told = given(call.args, known, stop_at_operand=True)
    names = {option.name for option in told.options}
    hosts = [option.value.text for option in told.options if option.name in ("-h", "-u") and option.value is not None]
    if (
        names
        - set(known)
        - {
            "--raw",
            "--no-raw",
            "--scan",
            "--stat",
            "--latency",
            "--version",
            "-v",
            "--csv",
            "--json",
            "--bigkeys",
            "--memkeys",
            "--no-auth-warning",
        }
    ):
        return [Finding(Effect.DESTRUCTIVE, "works on a database with an option that is not read")]
    if any(host not in _LOCAL_HOSTS for host in hosts):
        return [Finding(Effect.OUTWARD, "works on a database of another machine"), *_redis_command(call, told)]
    if names & {"-a", "--pass"}:
        return [Finding(Effect.SECRETS, "gives a password on the command line")]
    if not told.operands and names & {"--scan", "--stat", "--latency", "--version", "-v", "--bigkeys", "--memkeys"}:
        return [Finding(Effect.READ, "looks at the database")]
    return _redis_command(call, told)


def _redis_command(call: Call, told: Given) -> list[Finding]:
    if not told.operands or call.input.kind != "none" or not told.operands[0].known:
        return [Finding(Effect.DESTRUCTIVE, "runs commands of its input on the database")]
    word = told.operands[0].text.lower()
    if word in _REDIS_READS:
        return [Finding(Effect.READ, "looks at the database")]
    return [Finding(Effect.DESTRUCTIVE, f"changes the database ({word.upper()})")]


def _dump(call: Call, rule: Rule, found: Given) -> list[Finding]:
    """A copy of the schema is harmless; a copy of the data leaves the database's own rights behind."""
    if any(not arg.known for arg in found.operands) or any("://" in arg.text for arg in found.operands):
        return [Finding(Effect.UNKNOWN, "copies a database that is only known when it runs")]
    if found.has("--schema-only", "-s", "--no-data", "--version", "--help"):
        return []
    return [Finding(Effect.UNKNOWN, "copies the data of a database")]


KINDS: dict[str, Operands] = {"sql": _sql, "dump": _dump}
