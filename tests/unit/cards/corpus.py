"""Strings that try to make a card lie: mentions, links, formatting, hidden characters, floods, impostors."""

from __future__ import annotations

import itertools

HIDDEN = [
    *range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, *range(0x80, 0xA0), 0xAD, 0x034F, 0x061C, 0x115F, 0x1160,
    0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0x200B, 0x2010), 0x2028, 0x2029, *range(0x202A, 0x202F),
    *range(0x2060, 0x2070), 0x2800, 0x3164, *range(0xFE00, 0xFE0E), 0xFEFF, 0xFFA0, 0xFFF0, 0xFFF9, 0xFFFA, 0xFFFB,
    0x1BCA0, 0x1D173, 0xE0001, *range(0xE0020, 0xE0030), 0xE007F, 0xE0100, 0xE01EF, 0xE000, 0xF0000,
]  # fmt: skip
HIDDEN = [point for point in HIDDEN if point != 0]  # a body with NUL is refused before it gets here

MENTIONS = [
    "<@U0VICTIM>", "<@U0VICTIM|boss>", "<@W0VICTIM>", "<!channel>", "<!here>", "<!everyone>", "<!subteam^S0LEADS>",
    "<!subteam^S0LEADS|@leads>", "<#C0GENERAL>", "<#C0GENERAL|general>", "@channel", "@here", "@everyone", "#general",
    "@alice", "<!date^1392734382^Posted {date_num}|x>", "<!date^1^{date}^https://evil.example|x>",
]  # fmt: skip
LINKS = [
    "<https://evil.example>", "<https://evil.example|https://bank.example>", "<mailto:a@b.example|pay here>",
    "https://evil.example/approve", "http://evil.example", "evil.example", "<javascript:alert(1)|x>", "<tel:+1|call>",
    "[bank](https://evil.example)", "![x](https://evil.example/x.png)", "www.evil.example", "<|>", "<>", "< >",
]  # fmt: skip
FORMATS = [
    "*bold*", "_italic_", "~strike~", "`code`", "```block```", "> quote", ">>> quote", "• bullet", "1. one", "# head",
    ":white_check_mark: Approved by Bob", ":rotating_light:", ":+1:", "*Approved*", "\n*Consequence*\n🟢 Low severity",
    "&amp;", "&lt;@U0VICTIM&gt;", "&#60;@U0VICTIM&#62;", "&", "<", ">", '"', "\\", "\\n", "\\u202e", "'", "{{ 7*7 }}",
    "{% raw %}", "{#", "${x}", "%s", "{0}", "{id}", "\u2039U+202E\u203a", "\u2039\u00d79\u203a", "null", "true", "4800",
    "", " ", "\n", "\t", "\r\n", "  leading", "trailing  ", '"], "type": "mrkdwn"', '"}}]', "]", "}", "--- Exact parameters",
    "amount_usd: 1", 'x"\namount_usd: 1\ny: "', "(no parameters)", "and 3 more values \u2014 open Details",
]  # fmt: skip
IMPOSTORS = [
    "аlice@x.com", "alice@x.соm", "ａｌｉｃｅ", "𝐚𝐥𝐢𝐜𝐞", "Αpprove", "4\u0336800", "l1I|", "раураl.com", "①②", "½", "ﬁ", "ẞ", "İ", "ǅ",
    "\u00a0", "a\u00a0b", "a\u2003b", "a\u3000b", "a\u202fb", "a\u205fb", "\u1680",
]  # fmt: skip
FLOODS = [
    "x" * 10_000, "é" * 5_000, "😀" * 3_000, "\u200b" * 5_000, "\u202e" * 5_000, "\n" * 3_000, " " * 5_000, "&" * 5_000,
    "<" * 3_000, "e" + "\u0301" * 500, "e" + "\u0301\u0302\u0303\u0304" * 300, "\u2039" * 2_000, '"' * 5_000, "\\" * 5_000,
    "a\u200b" * 2_000, "W" * 64_000, "<@U0VICTIM>" * 500, "*" * 3_000, ":a:" * 1_500, "_ " * 2_000, "\x01\x02" * 1_000,
    "漢字" * 3_000, "ﷺ" * 600, "🏴\U000e0067\U000e0062\U000e007f" * 300, "word " * 4_000, "1" * 9_000, "\u0301" * 2_000,
]  # fmt: skip
EMOJI = ["❤️", "👨\u200d👩\u200d👧", "1️⃣", "🇩🇪", "ok\ufe0f", "a\ufe0e", "🏳️\u200d🌈", "\ufe0f", "❤️\ufe0f\ufe0f"]


def _hidden() -> list[str]:
    return [f"a{chr(point)}b" for point in HIDDEN] + [f"{chr(point)}4800" for point in HIDDEN[::5]]


def _mixed() -> list[str]:
    pairs = itertools.product(MENTIONS[:6], ("\u202e", "\u200b", "\n", "*"))
    return [f"{sign}{mention}{sign}" for mention, sign in pairs]


CORPUS: list[str] = [*MENTIONS, *LINKS, *FORMATS, *IMPOSTORS, *FLOODS, *EMOJI, *_hidden(), *_mixed()]
