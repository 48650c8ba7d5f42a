"""rich_text: sections, lists, quotes and preformatted text with every inline element kind."""

from __future__ import annotations

from playground.blockkit.rules import Rule, array, boolean, integer, obj, one_of, string, typed

_FLAGS = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
STYLE: Rule = obj({}, dict.fromkeys(_FLAGS, boolean))
_ID = string(255, 1)


def _inline(name: str, required: dict[str, Rule], optional: dict[str, Rule] | None = None) -> Rule:
    return obj({"type": one_of(name), **required}, {"style": STYLE, **(optional or {})})


INLINE: dict[str, Rule] = {
    "text": _inline("text", {"text": string(None, 1)}),
    "link": _inline("link", {"url": string(3000, 1)}, {"text": string(), "unsafe": boolean}),
    "user": _inline("user", {"user_id": _ID}),
    "channel": _inline("channel", {"channel_id": _ID}),
    "usergroup": _inline("usergroup", {"usergroup_id": _ID}),
    "team": _inline("team", {"team_id": _ID}),
    "broadcast": _inline("broadcast", {"range": one_of("here", "channel", "everyone")}),
    "emoji": _inline("emoji", {"name": _ID}, {"unicode": string(), "skin_tone": integer(1, 6)}),
    "color": _inline("color", {"value": string(9, 1)}),
    "date": _inline(
        "date", {"timestamp": integer(0), "format": string(None, 1)}, {"url": string(3000), "fallback": string()}
    ),
}
_SPANS = array(typed(INLINE))
_LITERAL = array(typed(INLINE, frozenset({"text", "link"})))
SECTION: Rule = obj({"type": one_of("rich_text_section"), "elements": _SPANS})
PARTS: dict[str, Rule] = {
    "rich_text_section": SECTION,
    "rich_text_list": obj(
        {
            "type": one_of("rich_text_list"),
            "style": one_of("bullet", "ordered"),
            "elements": array(typed({"rich_text_section": SECTION}), 1),
        },
        {"indent": integer(0, 8), "offset": integer(0), "border": integer(0, 1)},
    ),
    "rich_text_preformatted": obj(
        {"type": one_of("rich_text_preformatted"), "elements": _LITERAL},
        {"border": integer(0, 1), "language": string(50)},
    ),
    "rich_text_quote": obj({"type": one_of("rich_text_quote"), "elements": _SPANS}, {"border": integer(0, 1)}),
}
RICH_TEXT: Rule = obj({"type": one_of("rich_text"), "elements": array(typed(PARTS), 1)}, {"block_id": string(255, 1)})
