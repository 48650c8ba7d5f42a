"""Policy files that must not load: (name, text, line of the problem, what the message must name)."""

from __future__ import annotations

from itertools import count

GOOD_MANIFEST = """\
version: 1
defaults:
  channel: "#approvals"
  on_timeout: deny
  required_role: finance
  escalation_path: [lead]
  sla_seconds: 60
  approval_timeout_seconds: 600
  claim_seconds: 900
  execution_seconds: 3600
  limits:
    creates_per_minute: 60
    pending: 50
actions:
  pay:
    title: Pay somebody
    describe: "Pay {{ params.amount_usd | usd }}"
    severity: high
    reversibility: irreversible
    tags: [financial]
    approval_required: true
    required_role: finance
    escalation_path: [lead, board]
    approvers: 1
    sla_seconds: 900
    approval_timeout_seconds: 3600
    claim_seconds: 900
    execution_seconds: 3600
    on_timeout: deny
    amount: params.amount_usd
    conditions:
      auto_approve_below_usd: 50
      always_approve_above_usd: 500
      deny_above_usd: 10000
    aggregate:
      window_seconds: 3600
      per: params.customer
      ask_above_usd: 200
      deny_above_usd: 20000
    thresholds:
      auto_approve_confidence: 0.95
      escalate_confidence: 0.60
      ask_above_risk: 0.7
    params_schema: {type: object, properties: {customer: {type: string}}}
    sample_review: 0.1
    undo_window_seconds: 0
    redact: [params.card]
    channel: "#finance"
    agents: [bot]
    blocked_agents: [rogue]
    owner: Head of finance
    owner_reason: Small change
    confirm_amount_above_usd: 1000
    rules:
      - when: params.country != 'DE'
        then: ask
        reason: Abroad
    first_uses:
      agent: 5
      tool: 20
      user: 2
    checkpoint_every: 4
    quota:
      per_day: 100
    autonomy:
      start: soft_approval
      agents:
        bot:
          level: notify_only
          since: "2026-01-31"
"""
GOOD_ROSTER = """\
version: 1
roles:
  finance:
    members: [U0ALICE, U0BOB]
  lead:
    usergroup: S0LEADS
people:
  U0ALICE:
    principal: alice@example.com
    email: ann@example.com
    hours: "Mon-Fri 09:00-17:00"
    timezone: Europe/Berlin
    max_open: 10
    delegate: U0BOB
    quiet: "22:00-07:00"
    max_cards_per_hour: 6
    max_reminders: 2
    digest: true
defaults:
  timezone: Europe/Berlin
admins: [U0ADMIN]
operations:
  channel: "#ops"
"""
Bad = tuple[str, str, int, str]

_TEXTS = ["3", "2.5", "true", "null", "[a]", "{a: b}", '""']
_NUMBERS = [
    "-1",
    '"5"',
    "true",
    "null",
    "[1]",
    "{a: 1}",
    ".nan",
    ".inf",
    "1e400",
    "1_000",
    "0x10",
    "010",
    "1:30",
    "five",
]
_WHOLE = [*_NUMBERS, "0", "1.5", "1000000000000"]
_FLAGS = ["yes", "no", "on", "off", "y", "N", "1", '"true"', "null", "[true]", "maybe"]
_LISTS = ["a", "{a: b}", "3", "true", "null", "[1]", "[true]", "[[a]]", "[null]"]
_MAPS = ["a", "[a]", "3", "true", "null", "{nope: 1}"]
_PATHS = [
    "3",
    "null",
    "amount",
    "params",
    "params.",
    "params.a b",
    "params..a",
    '"params.a\\n"',
    "param.a",
    "params[0]",
]
_WORDS = [*_TEXTS[:6], "two words", '"ü"', '"a\\nb"']
_CHANNELS = ["finance", '"#"', '"#a b"', "3", "null", '"#<!here>"', "c0123"]
_SHARES = [*_NUMBERS[:9], "1.01", "95%"]
_SILENCE = ["yes", "no", "approved", "3", "null", "[deny]", "Deny"]
_MANIFEST_VALUES: dict[str, list[str]] = {
    "    title": [*_TEXTS, '"' + "x" * 121 + '"'],
    "    describe": [
        *_TEXTS,
        '"{{"',
        '"{{ params.x"',
        '"{% if %}"',
        '"{{ amount }}"',
        '"{{ params.x | nope }}"',
        '"{{ range(3) }}"',
        '"{{ 9**9**9 }}"',
        "\"{% include 'x' %}\"",
        '"{% macro a() %}{% endmacro %}"',
        '"{{ ' + "(" * 300 + "1" + ")" * 300 + ' }}"',
        '"{{ self }}"',
        '"' + "x" * 1001 + '"',
    ],
    "    severity": ["severe", "High", "3", "null", "[high]", "yes"],
    "    reversibility": ["maybe", "true", "3", "[irreversible]"],
    "    tags": [*_LISTS, "[two words]"],
    "    approval_required": _FLAGS,
    "    required_role": _WORDS[:3] + _WORDS[4:],
    "    approvers": [
        "0",
        "-1",
        "21",
        "true",
        "null",
        "1.5",
        "two",
        "[1]",
        "{}",
        "{finance: 0}",
        "{finance: true}",
        "{two words: 1}",
    ],
    "    sla_seconds": [*_WHOLE[:3], *_WHOLE[4:]],
    "    on_timeout": [value for value in _SILENCE if value != "null"] + ["approve"],
    "    amount": [value for value in _PATHS if value != "null"],
    "      auto_approve_below_usd": [
        "-1",
        "-0.01",
        '"5"',
        "true",
        "[1]",
        ".nan",
        ".inf",
        "-.inf",
        "1e13",
        "501",
        "$50",
    ],
    "      always_approve_above_usd": ["10001", "-5", "a lot"],
    "      deny_above_usd": ["-1", "never"],
    "      window_seconds": _WHOLE,
    "      per": [value for value in _PATHS if value != "null"],
    "      escalate_confidence": _SHARES,
    "    params_schema": [
        *_MAPS[:4],
        "{type: text}",
        "{type: 3}",
        "{required: customer}",
        "{properties: []}",
        "{minimum: low}",
        "{pattern: '(?<=a)b'}",
        "{properties: {a: {pattern: '(a)\\1'}}}",
        "{patternProperties: {'(': {}}}",
        "{properties: {a: {type: string, nullable: true}}}",
        "{properties: {a: {$ref: '#/$defs/nobody'}}}",
        "{properties: {a: {$dynamicRef: '#a'}}}",
        "{properties: {a: {$id: other, type: string}}}",
        "{$ref: '#'}",
        "{$schema: 'https://example.com/other'}",
        "{$ref: 'http://example.com/x.json'}",
        "{allOf: [{$ref: '#'}]}",
        "{$dynamicRef: '#x'}",
        "{enum: [yes, no]}",
    ],
    "      ask_above_risk": [value for value in _SHARES if value != "null"],
    "      - when": [
        "3",
        "true",
        "[a]",
        '""',
        "amount >",
        "nope > 3",
        "agent > 3",
        "agent",
        "amount > 'x'",
        "params.a.matches('(a+)+$')",
        "params.l.all(x, x > 1)",
        "open('x') == null",
        '"' + "(" * 200 + "true" + ")" * 200 + '"',
        "true" + " || true" * 70,
        '"true\\u202e"',
        "yes",
    ],
    "        then": ["approve", "auto", "loosen", "allow", "3", "yes", "[ask]", "Ask"],
    "        reason": [*_TEXTS, '"' + "x" * 301 + '"'],
    "      agent": [value for value in _WHOLE if value != "null"],
    "      tool": ["0", "-1", "1000001"],
    "      user": ["0", "1.5", '"2"'],
    "    checkpoint_every": ["0", "1", "-2", "10001", "true", '"4"', "1.5", "often"],
    "      per_day": ["0", "-1", "1000001", "true", '"4"', "null"],
    "      start": ["free", "3", "yes", "[full_auto]", "Full_Auto"],
    "          level": ["free", "3", "null", "no"],
    "          since": ["yesterday", "3", "null", "2026-13-01", '""', "[2026]"],
    "    sample_review": _SHARES,
    "    undo_window_seconds": ["-1", "1.5", '"5"', "true", "null", "2592001"],
    "    redact": [*_LISTS, "[card]", "[params]", '["params.card "]'],
    "    channel": [value for value in _CHANNELS if value != "null"],
    "    agents": [value for value in _LISTS if value != "null"],
    "    blocked_agents": _LISTS,
    "    owner": ['""', "3", "[a]", '"' + "x" * 301 + '"'],
    "    confirm_amount_above_usd": ["-1", "true", '"5"'],
    "    creates_per_minute": _WHOLE,
    "    pending": ["0", "-1", "many"],
    "version": ["2", "0", '"1"', "1.0", "true", "null", "[1]"],
}
_ROSTER_VALUES: dict[str, list[str]] = {
    "    members": [*_LISTS, "[alice]", "['@alice']", "[u0alice]", "[B0BOT]", "[U0ALICE, 3]"],
    "    usergroup": ["leads", "U0ALICE", "3", "[S0LEADS]", '""'],
    "    principal": ['""', "3", "[a]"],
    "    email": ['""', "3", "ann", "ann@", "ann@example.com, bob@example.com", "Ann <ann@example.com>", "[a@b.c]"],
    "    hours": [
        "9-17",
        '"Mon-Fri"',
        '"Mon-Fri 9:00-17:00"',
        '"Mon-Fri 09:00-25:00"',
        '"Mon-Fri 09:00-09:60"',
        '"Mon-Fri 09:00-09:00"',
        '"Mon-Foo 09:00-17:00"',
        '"mon-fri 09:00-17:00"',
        '"Mon-Fri 09:00-17:00,"',
        '"always"',
        '""',
        "9:00",
        "3",
        "[Mon]",
    ],
    "    timezone": [
        "Berlin",
        "Europe/Nowhere",
        '"../../etc/passwd"',
        '""',
        "3",
        "null",
        "+02:00",
        '"Europe"',
        '"a\\0b"',
    ],
    "    max_open": ["0", "-1", "1001", "1.5", "many", "true"],
    "    quiet": ["22-7", '"Mon 22:00-07:00"', '"22:00-7:00"', '"22:00-22:00"', '"25:00-07:00"', '"none"', '""', "3"],
    "    max_cards_per_hour": ["0", "-1", "1001", "1.5", "many", "true"],
    "    max_reminders": ["-1", "101", "1.5", "many", "true"],
    "    digest": ["yes", "on", "1", '"true"', "[true]", "daily"],
    "  timezone": ["Berlin", '"../../etc/passwd"', '""', "3", "null", "+02:00"],
    "    delegate": ["bob", "3", "[U0BOB]", "S0LEADS"],
    "admins": [*_LISTS, "[alice]"],
    "  channel": _CHANNELS,
    "version": ["2", '"1"', "1.0", "null"],
}


def _with(text: str, key: str, value: str) -> tuple[str, int]:
    """`text` with the value of `key` (given with its indent) replaced, and the line on which it stands."""
    lines = text.splitlines()
    at = max(index for index, line in enumerate(lines) if line.startswith(f"{key}:"))
    lines[at] = f"{key}: {value}"
    return "\n".join(lines) + "\n", at + 1


def _generated(good: str, values: dict[str, list[str]]) -> list[Bad]:
    found = []
    for key, bad in values.items():
        for value in bad:
            text, line = _with(good, key, value)
            found.append((f"{key.strip()}: {value[:40]}", text, line, key.strip().removeprefix("- ")))
    return found


def _unknown_keys(good: str) -> list[Bad]:
    """One key misspelled at a time, wherever names are not free."""
    found = []
    lines = good.splitlines()
    for index, line in enumerate(lines):
        key = line.strip().partition(":")[0]
        if key in ("pay", "bot", "finance", "lead", "U0ALICE"):
            continue
        text = "\n".join([*lines[:index], line.replace(f"{key}:", f"{key}x:", 1), *lines[index + 1 :]])
        found.append((f"unknown {key}x", text, 0, ""))
    return found


def _doubled_keys(good: str) -> list[Bad]:
    found = []
    lines = good.splitlines()
    for index, line in enumerate(lines):
        if not line.endswith(":") and not line.strip().startswith("- "):
            text = "\n".join([*lines[: index + 1], line, *lines[index + 1 :]])
            found.append((f"doubled {line.strip()[:30]}", text, index + 2, line.strip().partition(":")[0]))
    return found


_LAST = len(GOOD_MANIFEST.splitlines()) + 1


def _appended(*tails: tuple[str, str]) -> list[Bad]:
    return [(f"tail {tail[:30]!r}", GOOD_MANIFEST + tail, _LAST, word) for tail, word in tails]


_BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
)
_STRUCTURE: list[Bad] = [
    ("empty", "", 1, "mapping"),
    ("comment only", "# nothing\n", 1, "mapping"),
    ("a list", "- version: 1\n", 1, "mapping"),
    ("a word", "hello\n", 1, "mapping"),
    ("null", "null\n", 1, "mapping"),
    ("only version", "version: 1\n", 1, "actions"),
    ("no version", "actions: {}\n", 1, "version"),
    ("no actions", "version: 1\nactions: {}\n", 2, "actions"),
    ("empty action", "version: 1\nactions:\n  pay: {}\n", 3, "title"),
    ("null action", "version: 1\nactions:\n  pay:\n", 3, "pay"),
    ("alias bomb", _BOMB, 1, "anchor"),
    ("anchor", "version: &v 1\n", 1, "anchor"),
    ("alias", "version: *v\n", 1, "alias"),
    ("merge key", "version: 1\n<<: {a: 1}\n", 2, "<<"),
    ("python tag", "version: !!python/object/apply:os.system [ls]\n", 1, "tag"),
    ("str tag", "version: !!str 1\n", 1, "tag"),
    ("own tag", "version: !x 1\n", 1, "tag"),
    ("bare tag", "version: ! 1\n", 1, "tag"),
    ("two documents", "version: 1\n---\nversion: 1\n", 2, "document"),
    ("unknown yaml version", "%YAML 9.0\n---\nversion: 1\n", 1, "YAML"),
    ("bad directive", "%TAG\n---\nversion: 1\n", 1, "YAML"),
    ("deep flow", "version: " + "[" * 40 + "]" * 40 + "\n", 1, "deeper"),
    ("very deep flow", "version: " + "[" * 200_000, 1, "deeper"),
    ("very deep maps", "version: " + "{a: " * 100_000, 1, "deeper"),
    ("deep block", "".join(" " * level + f"k{level}:\n" for level in range(60)), 33, "deeper"),
    ("deep dashes", "version: 1\nactions:\n" + "- " * 60 + "x\n", 3, "deeper"),
    ("deep questions", "? " * 60 + "x\n", 1, "deeper"),
    ("unclosed list", "version: [1\n", 2, "YAML"),
    ("unclosed quote", 'version: "1\n', 2, "YAML"),
    ("unclosed map", "version: {a: 1\n", 2, "YAML"),
    ("tab indent", "version: 1\nactions:\n\tpay: {}\n", 3, "\\t"),
    ("bad indent", "version: 1\n  actions: 2\n", 2, "YAML"),
    ("colon in value", "version: 1\nactions: a: b\n", 2, "YAML"),
    ("at sign", "version: @x\n", 1, "YAML"),
    ("backtick", "version: `x`\n", 1, "YAML"),
    ("percent", "version: %x\n", 1, "YAML"),
    ("bad escape", 'version: "\\q"\n', 1, "YAML"),
    ("nul", "version: 1\nactions: \0\n", 2, "U+0000"),
    ("bell", "version: 1\nactions: \a\n", 2, "U+0007"),
    ("half a surrogate", "version: 1\nactions: \ud800\n", 2, "U+D800"),
    ("list as key", "version: 1\n[a]: 1\n", 2, "plain word"),
    ("map as key", "version: 1\n{a: 1}: 1\n", 2, "plain word"),
    ("yes as key", "version: 1\nyes: 1\n", 2, "yes"),
    ("on as key", "version: 1\non: 1\n", 2, "on"),
    ("doubled top key", "version: 1\nversion: 1\n", 2, "version"),
    ("doubled flow key", "version: 1\nactions: {pay: {title: a, title: b}}\n", 2, "actions.pay.title"),
    ("doubled by quotes", 'version: 1\n"version": 1\n', 2, "version"),
    ("huge number", "version: " + "9" * 5000 + "\n", 1, "version"),
    ("huge float", "version: " + "9" * 5000 + ".5\n", 1, "version"),
    ("odd float", "version: 1_.5\n", 1, "version"),
    ("odd binary", "version: 0b_1\n", 1, "version"),
    ("odd hex", "version: 0x_f\n", 1, "version"),
    ("base sixty", "version: 190:20:30\n", 1, "version"),
    ("base sixty float", "version: 190:20:30.15\n", 1, "version"),
    ("date as number", "version: 2026-01-01\n", 1, "version"),
    ("moment as number", "version: 2026-01-01T10:00:00Z\n", 1, "version"),
    ("too large", "# " + "x" * 1_000_001, 0, "1000000"),
    ("newline in a key", 'version: 1\n"a\\nb": 1\n', 2, "a\\nb"),
    ("bad action name", "version: 1\nactions:\n  two words: {}\n", 3, "two words"),
    ("empty action name", 'version: 1\nactions:\n  "": {}\n', 3, "empty"),
    ("long action name", f"version: 1\nactions:\n  {'x' * 81}: {{}}\n", 3, "xxx"),
]


def bad_manifests() -> list[Bad]:
    """Every manifest that must not load."""
    without_amount = GOOD_MANIFEST.replace("    amount: params.amount_usd\n", "")
    reversible = GOOD_MANIFEST.replace("reversibility: irreversible", "reversible: true\n    reversibility: reversible")
    neither = GOOD_MANIFEST.replace("    reversibility: irreversible\n", "")
    inherited = GOOD_MANIFEST.replace("    on_timeout: deny\n", "").replace("on_timeout: deny", "on_timeout: approve")
    return [
        *_STRUCTURE,
        *_generated(GOOD_MANIFEST, _MANIFEST_VALUES),
        *_unknown_keys(GOOD_MANIFEST),
        *_doubled_keys(GOOD_MANIFEST),
        *_appended(
            ("    batch: true\n", "batch"),
            ("    batch: yes\n", "batch"),
            ("    <<: {title: x}\n", "<<"),
            ("    colour: red\n", "colour"),
            ("    reversible: no\n", "reversible"),
            ("          until: 2026-02-01\n", "until"),
        ),
        ("conditions without amount", without_amount, 30, "amount"),
        ("both spellings", reversible, 19, "reversib"),
        (
            "always below auto",
            _with(GOOD_MANIFEST, "      always_approve_above_usd", "49")[0],
            32,
            "auto_approve_below_usd",
        ),
        (
            "deny below always",
            GOOD_MANIFEST.replace("deny_above_usd: 10000", "deny_above_usd: 499"),
            33,
            "always_approve",
        ),
        ("neither spelling", neither, 15, "reversib"),
        ("silence consents by default", inherited, 15, "on_timeout"),
        ("dotted name", inherited.replace("  pay:", "  pay.all:"), 15, "actions.pay.all.on_timeout"),
    ]


def bad_rosters() -> list[Bad]:
    """Every roster that must not load."""
    return [
        *(
            (name, text, line, word)
            for name, text, line, word in _STRUCTURE
            if "action" not in text and "actions" not in word
        ),
        *_generated(GOOD_ROSTER, _ROSTER_VALUES),
        *_unknown_keys(GOOD_ROSTER),
        *_doubled_keys(GOOD_ROSTER),
        ("no roles", "version: 1\nroles: {}\n", 2, "roles"),
        ("an empty role", "version: 1\nroles:\n  finance: {}\n", 3, "finance"),
        ("a role of nobody", "version: 1\nroles:\n  finance: {members: []}\n", 3, "finance"),
        ("a person by name", "version: 1\nroles: {a: {members: [U0A]}}\npeople:\n  alice: {}\n", 4, "alice"),
    ]


def numbered(bad: list[Bad]) -> list[str]:
    """Names for the test report, each once."""
    numbers = count()
    return [f"{next(numbers)} {name}" for name, *_ in bad]
