"""What a person reads: the visible text of blocks, and the mentions and links that would be live in them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from playground.workspace import Workspace

Json = dict[str, Any]
_TOKEN = re.compile(r"<([^<>\n]+)>")
_CODE = re.compile(r"```(.+?)```|`([^`\n]+)`", re.DOTALL)
_STYLE = re.compile(r"(?<![\w*~_])([*_~])(?=\S)([^\n]+?)(?<=\S)\1(?![\w*~_])")
_BARE = re.compile(r"(?<![\w<])(@(?:channel|here|everyone)|#[a-z0-9_-]{1,80})(?!\w)")


class Reader:
    """Reads blocks as the page draws them."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def blocks(self, blocks: list[Json]) -> str:
        """All visible text, one line a part."""
        return "\n".join(line for line in self._lines(blocks) if line.strip())

    def message(self, text: str, blocks: list[Json]) -> str:
        """A message's visible text: its blocks, or its text where there are none."""
        return self.blocks(blocks) if blocks else self.mrkdwn(text)

    def _lines(self, value: Any) -> Iterator[str]:
        if isinstance(value, list):
            for entry in value:
                yield from self._lines(entry)
        elif isinstance(value, dict):
            yield from self._object(value)

    def _object(self, value: Json) -> Iterator[str]:
        kind = value.get("type")
        if kind == "plain_text":
            yield str(value.get("text", ""))
        elif kind == "mrkdwn":
            yield self.mrkdwn(str(value.get("text", "")))
        elif kind in ("markdown", "raw_text"):
            yield str(value.get("text", ""))
        elif kind in ("rich_text_section", "rich_text_preformatted", "rich_text_quote"):
            yield "".join(self._inline(entry) for entry in value.get("elements", []))
        else:
            for key, entry in value.items():
                if key not in {"confirm", "placeholder", "initial_option", "initial_options"}:
                    yield from self._lines(entry)
            yield str(value.get("alt_text") or "")
            if isinstance(value.get("initial_value"), str):
                yield value["initial_value"]

    def _inline(self, entry: Json) -> str:
        kind = entry.get("type")
        if kind == "text":
            return str(entry["text"])
        if kind == "link":
            return str(entry.get("text") or entry["url"])
        if kind == "emoji":
            return f":{entry['name']}:"
        names = {"user": "user_id", "channel": "channel_id", "usergroup": "usergroup_id"}
        if kind in names:
            sigil = {"user": "@", "channel": "#", "usergroup": "!subteam^"}[kind]
            return self._mention(sigil + entry[names[kind]])
        if kind == "broadcast":
            return f"@{entry['range']}"
        return str(entry.get("fallback") or entry.get("value") or "")

    def mrkdwn(self, text: str) -> str:
        """mrkdwn as read: marks gone, mentions named, links by label, entities decoded."""
        kept: list[str] = []

        def keep(shown: str) -> str:
            kept.append(shown)
            return f"\x00{len(kept) - 1}\x00"

        text = _CODE.sub(lambda found: keep(html.unescape((found[1] or found[2]).strip("\n"))), text)
        text = _TOKEN.sub(lambda found: keep(self._token(found[1])), text)
        for _ in range(3):
            text = _STYLE.sub(r"\2", text)
        text = re.sub(r"^&gt; ?", "", text, flags=re.MULTILINE)
        text = html.unescape(text)
        return re.sub("\x00(\\d+)\x00", lambda found: kept[int(found[1])], text)

    def _token(self, inner: str) -> str:
        if inner.startswith("!date^"):
            return html.unescape(inner.rpartition("|")[2])
        target, _, label = inner.partition("|")
        if target[:1] in "@#!":
            return self._mention(target, label)
        return html.unescape(label or target)

    def _mention(self, target: str, label: str = "") -> str:
        name = target[1:]
        if target.startswith("@"):
            person = self.workspace.people.get(name)
            return f"@{person.name if person else label or name}"
        if target.startswith("#"):
            channel = self.workspace.channels.get(name)
            return f"#{channel.name if channel else label or name}"
        if name.startswith("subteam^"):
            group = self.workspace.groups.get(name.removeprefix("subteam^"))
            return f"@{group.handle if group else label or name}"
        return f"@{name}"


def mrkdwn_texts(value: Any) -> Iterator[Json]:
    """Every mrkdwn text object inside blocks."""
    if isinstance(value, list):
        for entry in value:
            yield from mrkdwn_texts(entry)
    elif isinstance(value, dict):
        if value.get("type") == "mrkdwn" and isinstance(value.get("text"), str):
            yield value
        for entry in value.values():
            yield from mrkdwn_texts(entry)


def live_mentions(text: str, blocks: list[Json], parse: str = "none") -> list[str]:
    """Everything that would ping or link as a mention: `<@U…>`, `<!channel>`, `<#C…>`, bare @channel, rich_text users.

    The fallback text counts too: it is what notifications parse.
    """
    found: list[str] = []
    sources = [
        (text, parse == "none"),
        *((entry["text"], bool(entry.get("verbatim"))) for entry in mrkdwn_texts(blocks)),
    ]
    for source, verbatim in sources:
        plain = _CODE.sub(" ", source)
        tokens = [inner for inner in _TOKEN.findall(plain) if inner[:1] in "@#!" and not inner.startswith("!date")]
        found.extend(f"<{inner}>" for inner in tokens)
        if not verbatim:
            found.extend(_BARE.findall(_TOKEN.sub(" ", plain)))
    found.extend(_rich_mentions(blocks))
    return found


def _rich_mentions(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for entry in value:
            yield from _rich_mentions(entry)
    elif isinstance(value, dict):
        target = {"user": "user_id", "channel": "channel_id", "usergroup": "usergroup_id", "broadcast": "range"}
        key = target.get(str(value.get("type")))
        if key and key in value:
            yield f"{value['type']}:{value[key]}"
        for entry in value.values():
            yield from _rich_mentions(entry)


def live_links(text: str, blocks: list[Json]) -> list[str]:
    """Every url a person could follow from mrkdwn or rich_text."""
    sources = [text, *(entry["text"] for entry in mrkdwn_texts(blocks))]
    found = [inner.partition("|")[0] for source in sources for inner in _TOKEN.findall(_CODE.sub(" ", source))]
    urls = [html.unescape(inner) for inner in found if re.match(r"[a-z]+:", inner)]
    for source in [*sources[:1], *(entry["text"] for entry in mrkdwn_texts(blocks) if not entry.get("verbatim"))]:
        urls.extend(re.findall(r"https?://[^\s<>|]+", _TOKEN.sub(" ", source)))
    return urls + list(_rich_links(blocks))


def _rich_links(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for entry in value:
            yield from _rich_links(entry)
    elif isinstance(value, dict):
        if value.get("type") == "link" and isinstance(value.get("url"), str):
            yield value["url"]
        for entry in value.values():
            yield from _rich_links(entry)
