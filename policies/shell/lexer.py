"""Words of a command line: quotes, expansions and here-documents. What it does not know, it refuses to read."""

from __future__ import annotations

import re
from collections.abc import Callable

from policies.shell.escapes import decoded
from policies.shell.tree import (
    Arithmetic,
    Document,
    Part,
    Process,
    Script,
    Substitution,
    Text,
    Unreadable,
    Variable,
    Word,
)

MAX_CHARACTERS = 40_000
MAX_DEPTH = 40
BLANK = " \t"
ENDS_WORD = " \t\n;&|<>()"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Runs of characters that mean nothing to the shell, outside and inside quotes.
_PLAIN = re.compile(r"[A-Za-z0-9_./,:@%^-]+")
_PLAIN_QUOTED = re.compile(r"[^\"$`\\]+")
_SPECIAL = "?!#$@*-0123456789"
_SUBSCRIPT = re.compile(r"\[(?:[0-9]+|[@*]|-[0-9]+)\]")
_OPERATORS = (
    ":-",
    ":=",
    ":?",
    ":+",
    "##",
    "%%",
    "//",
    "/#",
    "/%",
    "^^",
    ",,",
    "-",
    "=",
    "?",
    "+",
    "#",
    "%",
    "/",
    "^",
    ",",
    ":",
)


class Lexer:
    """A cursor over one command line."""

    def __init__(self, text: str, *, depth: int = 0, base: int | None = 0) -> None:
        if len(text) > MAX_CHARACTERS:
            raise Unreadable(f"longer than {MAX_CHARACTERS} characters")
        if depth > MAX_DEPTH:
            raise Unreadable("nested too deep")
        hidden = next((char for char in text if not char.isprintable() and char not in "\n\t"), None)
        if hidden is not None:
            raise Unreadable(f"a character that cannot be seen: U+{ord(hidden):04X}")
        self.text, self.at, self.depth = text, 0, depth
        self.base = base  # where `text` begins in the whole; None where its characters were changed on the way
        # Here-documents whose text begins at the next line: how they end, and whether quotes and tabs are kept.
        self.awaited: list[tuple[Document, str, bool, bool]] = []

    # -- the grammar's part, below this one

    def nested(self, ends: str) -> Script:
        """Commands up to `ends`, which is consumed; the grammar knows how."""
        raise NotImplementedError

    # -- characters

    def peek(self, length: int = 1) -> str:
        """The next characters, after any line continuation; fewer at the end."""
        self.continued()
        return self.text[self.at : self.at + length]

    def continued(self) -> None:
        """Skip a backslash at the end of a line: the shell joins the two lines."""
        while self.text.startswith("\\\n", self.at):
            self.at += 2

    def blanks(self) -> None:
        """Skip blanks and a comment."""
        while self.peek() and self.peek() in BLANK:
            self.at += 1
        if self.peek() == "#":
            if self.text[self.at - 1 : self.at] == ")":
                raise Unreadable("a comment that may be none")
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end

    # -- words

    def word(self) -> Word | None:
        """The next word, or None where something else stands."""
        self.continued()
        begin, parts = self.at, list[Part]()
        while (char := self.peek()) and (char not in ENDS_WORD or self._process_begins()):
            if char in "<>":
                parts.append(self._process())
            else:
                parts.extend(self._piece(char))
        if self.peek() == "(" and parts and isinstance(parts[-1], Text) and parts[-1].text[-1:] in tuple("?*+@!"):
            raise Unreadable("a pattern with parentheses")
        return Word(joined(parts), self.place(begin)) if parts else None

    def place(self, at: int) -> int | None:
        """`at` counted from the beginning of the whole command line; None where that cannot be said."""
        return None if self.base is None else self.base + at

    def _process_begins(self) -> bool:
        return self.peek(2) in ("<(", ">(")

    def _process(self) -> Process:
        self.at += 2
        return Process(self._deeper(lambda: self.nested(")")))

    def _piece(self, char: str) -> list[Part]:
        if char == "'":
            return [self._single_quoted()]
        if char == '"':
            return self._double_quoted()
        if char == "\\":
            return [self._escaped()]
        if char == "$":
            return self._dollar(quoted=False)
        if char == "`":
            return [self._backticks(quoted=False)]
        plain = _PLAIN.match(self.text, self.at)
        self.at = plain.end() if plain else self.at + 1
        return [Text(plain.group() if plain else char)]

    def _escaped(self) -> Text:
        self.at += 2
        if self.at > len(self.text):
            raise Unreadable("a backslash at the end")
        return Text(self.text[self.at - 1], quoted=True)

    def _single_quoted(self) -> Text:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise Unreadable("a quote that does not end")
        inside, self.at = self.text[self.at + 1 : end], end + 1
        return Text(inside, quoted=True)

    def _double_quoted(self) -> list[Part]:
        self.at += 1
        parts = [Text("", quoted=True), *self._until('"')]
        self.at += 1
        return parts

    def _until(self, end: str) -> list[Part]:
        """What stands inside double quotes or a here-document (`end` is empty then): only `$`, backticks and `\\` are special."""
        parts: list[Part] = []
        while True:
            self.continued()
            char = self.text[self.at : self.at + 1]
            if char == "" and end == "":
                return parts
            if char == "":
                raise Unreadable("a quote that does not end")
            if char == end:
                return parts
            if char == "$":
                parts.extend(self._dollar(quoted=True))
            elif char == "`":
                parts.append(self._backticks(quoted=True))
            elif char == "\\" and self.text[self.at + 1 : self.at + 2] in ("$", "`", "\\", *([end] if end else [])):
                parts.append(Text(self.text[self.at + 1], quoted=True))
                self.at += 2
            else:
                plain = _PLAIN_QUOTED.match(self.text, self.at)
                inside = plain.group() if plain else char
                parts.append(Text(inside, quoted=True))
                self.at += len(inside)

    # -- expansions

    def _dollar(self, *, quoted: bool) -> list[Part]:
        self.at += 1
        following = self.peek()
        if following == "(":
            return [self._parenthesis(quoted=quoted)]
        if following == "{":
            return [self._braced(quoted=quoted)]
        if following == "[":
            raise Unreadable("an old form of arithmetic: $[")
        if following in ("'", '"') and not quoted:
            return self._quoted_dollar(following)
        named = _NAME.match(self.text, self.at)
        if named or (following and following in _SPECIAL):
            name = named.group() if named else following
            self.at += len(name)
            return [Variable(name, quoted)]
        return [Text("$", quoted=True)]

    def _quoted_dollar(self, quote: str) -> list[Part]:
        if quote == '"':
            return self._double_quoted()
        begin = self.at = self.at + 1
        while (char := self.text[self.at : self.at + 1]) != "'":
            if not char:
                raise Unreadable("a quote that does not end")
            self.at += 2 if char == "\\" else 1
        self.at += 1
        return [Text(decoded(self.text[begin : self.at - 1]), quoted=True)]

    def _parenthesis(self, *, quoted: bool) -> Part:
        if self.text.startswith("((", self.at):
            self.at += 2
            return Arithmetic(self.arithmetic())
        self.at += 1
        return Substitution(self._deeper(lambda: self.nested(")")), quoted)

    def arithmetic(self) -> tuple[Part, ...]:
        """What is expanded up to the closing `))`, which is consumed."""
        parts: list[Part] = []
        depth = 0
        while not (depth == 0 and self.peek(2) == "))"):
            char = self.peek()
            if not char:
                raise Unreadable("arithmetic that does not end")
            if char == "$":
                parts.extend(self._dollar(quoted=True))
            elif char == "`":
                parts.append(self._backticks(quoted=True))
            elif char in "'\"\\#":
                raise Unreadable("arithmetic with quotes")
            else:
                depth += {"(": 1, ")": -1}.get(char, 0)
                self.at += 1
                parts.append(Text(char))
            if depth < 0:
                raise Unreadable("arithmetic that is no arithmetic")
        self.at += 2
        return joined(parts)

    def _backticks(self, *, quoted: bool) -> Substitution:
        begin = self.at = self.at + 1
        inside: list[str] = []
        while (char := self.text[self.at : self.at + 1]) != "`":
            if not char:
                raise Unreadable("a backtick that does not end")
            escapes = char == "\\" and self.text[self.at + 1 : self.at + 2] in (
                "`",
                "\\",
                "$",
                *(['"'] if quoted else []),
            )
            self.at += escapes
            inside.append(self.text[self.at : self.at + 1])
            self.at += 1
        whole = self.place(begin) if len(inside) == self.at - begin else None
        self.at += 1
        return Substitution(
            self._deeper(lambda: type(self)("".join(inside), depth=self.depth, base=whole).nested("")), quoted
        )

    def _braced(self, *, quoted: bool) -> Variable:
        self.at += 1
        length = self.peek() == "#" and self.peek(2) != "#}"
        self.at += length
        named = _NAME.match(self.text, self.at)
        name = named.group() if named else self.peek()
        if not named and (name not in _SPECIAL or name == "!" or not name):
            raise Unreadable("an expansion that is not known")
        self.at += len(name)
        subscript = _SUBSCRIPT.match(self.text, self.at)
        if subscript:
            name, self.at = name + subscript.group(), subscript.end()
        if self.peek() == "}":
            self.at += 1
            return Variable(name, quoted, "length" if length else "")
        operator = next((known for known in _OPERATORS if self.text.startswith(known, self.at)), None)
        if operator is None or length:
            raise Unreadable("an expansion that is not known")
        self.at += len(operator)
        rest = self._inside_braces(quoted=quoted)
        self.at += 1
        return Variable(name, quoted, operator, joined(rest))

    def _inside_braces(self, *, quoted: bool) -> list[Part]:
        parts: list[Part] = []
        while (char := self.peek()) != "}":
            if not char or char == "\n":
                raise Unreadable("an expansion that does not end")
            if quoted and char in "\"'":
                raise Unreadable("quotes within an expansion within quotes")
            if char in "<>(){":
                raise Unreadable("an expansion that is not known")
            parts.extend(self._piece(char))
        return parts

    def _deeper(self, read: Callable[[], Script]) -> Script:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deep")
        try:
            return read()
        finally:
            self.depth -= 1

    # -- here-documents

    def announced(self, end: Word, *, tabs: bool) -> Document:
        """A here-document was announced: its text begins after the next line break, and ends at the line `end`."""
        delimiter, document = end.literal, Document()
        if not delimiter or "\n" in delimiter:
            raise Unreadable("a here-document whose end cannot be told")
        raw = any(isinstance(part, Text) and part.quoted for part in end.parts)
        self.awaited.append((document, delimiter, raw, tabs))
        return document

    def line_break(self) -> None:
        """Consume a line break, and the here-documents that begin after it."""
        self.at += 1
        waiting, self.awaited = self.awaited, []
        for document, delimiter, raw, tabs in waiting:
            document.text = self._document(delimiter, raw=raw, tabs=tabs)

    def _document(self, delimiter: str, *, raw: bool, tabs: bool) -> Word:
        begin, lines = self.at, list[str]()
        while True:
            end = self.text.find("\n", self.at)
            line = self.text[self.at : len(self.text) if end < 0 else end]
            self.at = len(self.text) if end < 0 else end + 1
            line = line.lstrip("\t") if tabs else line
            if line == delimiter:
                break
            if end < 0:
                raise Unreadable("a here-document that does not end")
            if not raw and line.endswith("\\"):
                raise Unreadable("a here-document with joined lines")
            lines.append(line + "\n")
        text = "".join(lines)
        if raw:
            return Word((Text(text, quoted=True),))
        inner = type(self)(text, depth=self.depth, base=None if tabs else self.place(begin))
        return Word(joined(inner._until("")))


def joined(parts: list[Part]) -> tuple[Part, ...]:
    """Neighbouring literal characters of one kind as one part."""
    result: list[Part] = []
    for part in parts:
        last = result[-1] if result else None
        if isinstance(part, Text) and isinstance(last, Text) and part.quoted == last.quoted:
            result[-1] = Text(last.text + part.text, part.quoted)
        else:
            result.append(part)
    return tuple(result)
