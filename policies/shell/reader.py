"""The grammar of a command line: lists, pipelines, groups, loops, functions. What it does not know, it refuses to read.

The names are those of the POSIX shell with the extensions that bash and zsh share. Nothing is guessed: a construct that is
missing here (`coproc`, `select`, patterns with parentheses …) raises Unreadable, and then a person is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from policies.shell.lexer import BLANK, Lexer
from policies.shell.tree import (
    AndOr,
    Arithmetic,
    Assignment,
    Case,
    Document,
    For,
    Function,
    Group,
    If,
    Node,
    Pipeline,
    Redirect,
    Script,
    Simple,
    Test,
    Unreadable,
    While,
    Word,
)

_ENDING = frozenset({"then", "do", "done", "elif", "else", "fi", "esac", "}"})
_REFUSED = frozenset({"coproc", "select", "]]", "in"})
_KEYWORDS = _ENDING | _REFUSED | {"if", "case", "for", "while", "until", "{", "!", "function", "[["}
_ASSIGNS = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[[0-9]+\])?(\+?)=")
_REDIRECTS = ("<<<", "<<-", "&>>", "<<", ">>", "<&", ">&", ">|", "<>", "&>", "<", ">")
_AFTER_ARRAY = frozenset(["", *" \t\n;&|()<>"])
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*")


def read_script(text: str) -> Script:
    """The command line `text` as the shell would read it. Raises Unreadable."""
    reader = Reader(text)
    try:
        return reader.nested("")
    except RecursionError:
        raise Unreadable("nested too deep") from None


class Reader(Lexer):
    """Reads one command line from left to right."""

    def nested(self, ends: str) -> Script:
        """Commands up to `ends` (a parenthesis, or nothing for the end of the text), which is consumed."""
        waiting, self.awaited = self.awaited, []
        script = self._script()
        if self.peek() != ends or self.awaited:
            raise Unreadable(f"something unexpected: {self.text[self.at : self.at + 20]!r}")
        self.at += len(ends)
        self.awaited = waiting
        return script

    def _script(self) -> Script:
        """Commands up to a word or sign that cannot begin one."""
        nodes: list[Node] = []
        while True:
            self._lines()
            if self.peek() in ("", ")") or self.peek(2) == ";;" or self._keyword() in _ENDING:
                return Script(tuple(nodes))
            nodes.append(self._and_or())
            self.blanks()
            sign = self.peek()
            if sign in (";", "&") and self.peek(2) != ";;":
                self.at += 1
            elif sign not in ("\n", "", ")", ";"):
                raise Unreadable(f"something unexpected: {self.text[self.at : self.at + 20]!r}")

    def _lines(self) -> None:
        self.blanks()
        while self.peek() == "\n":
            self.line_break()
            self.blanks()

    def _keyword(self) -> str:
        """The unquoted word that stands here, without consuming it."""
        self.continued()
        found = re.compile(r"[A-Za-z{}!\[\]]+(?=[\s;&|<>()]|$)").match(self.text, self.at)
        return found.group() if found else ""

    def _and_or(self) -> Node:
        first, rest = self._pipeline(), list[tuple[str, Node]]()
        while True:
            self.blanks()
            sign = self._sign("&&", "||")
            if not sign:
                return AndOr(first, tuple(rest)) if rest else first
            self._lines()
            rest.append((sign, self._pipeline()))

    def _pipeline(self) -> Node:
        self.blanks()
        while self._keyword() == "!":
            self.at += 1
            self.blanks()
        stages = [self._command()]
        while True:
            self.blanks()
            if self.peek(2) == "||" or not self._sign("|&", "|"):
                return Pipeline(tuple(stages)) if len(stages) > 1 else stages[0]
            self._lines()
            stages.append(self._command())

    def _sign(self, *signs: str) -> str:
        """Consume and return one of `signs` where it stands here; the shell joins a sign that a line break cuts."""
        for sign in signs:
            at = self.at
            if all(self._next(char) for char in sign):
                return sign
            self.at = at
        return ""

    def _next(self, char: str) -> bool:
        found = self.peek() == char
        self.at += found
        return found

    def _command(self) -> Node:
        self.blanks()
        keyword = self._keyword()
        if keyword in _REFUSED:
            raise Unreadable(f"a command that is not read: {keyword}")
        if keyword in _ENDING:
            raise Unreadable(f"something unexpected: {keyword}")
        if self.peek(2) == "((":
            return self._calculation()
        if self.peek() == "(":
            self.at += 1
            return Group(self._deeper(lambda: self.nested(")")), subshell=True, redirects=self._redirects())
        read = self._compounds().get(keyword)
        if read is None:
            return self._simple()
        self.at += len(keyword)
        return self._guarded(read)

    def _guarded(self, read: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > 40:
            raise Unreadable("nested too deep")
        node = read()
        self.depth -= 1
        return node

    def _compounds(self) -> dict[str, Callable[[], Node]]:
        return {
            "{": self._braces,
            "if": self._if,
            "while": self._while,
            "until": self._while,
            "for": self._for,
            "case": self._case,
            "function": self._function,
            "[[": self._test,
        }

    def _expect(self, word: str) -> None:
        self._lines()
        if self._keyword() != word:
            raise Unreadable(f"{word} is missing")
        self.at += len(word)

    def _up_to(self, word: str) -> Script:
        script = self._script()
        self._expect(word)
        return script

    def _braces(self) -> Node:
        return Group(self._up_to("}"), redirects=self._redirects())

    def _if(self) -> Node:
        branches = [(self._up_to("then"), self._script())]
        otherwise = None
        while self._keyword() == "elif":
            self.at += 4
            branches.append((self._up_to("then"), self._script()))
        if self._keyword() == "else":
            self.at += 4
            otherwise = self._script()
        self._expect("fi")
        return If(tuple(branches), otherwise, self._redirects())

    def _while(self) -> Node:
        condition = self._up_to("do")
        return While(condition, self._up_to("done"), self._redirects())

    def _for(self) -> Node:
        self.blanks()
        if self._sign("(("):
            parts = (Arithmetic(self.arithmetic()),)
            self.blanks()
            self._sign(";")
            self._expect("do")
            return For("", None, self._up_to("done"), parts, self._redirects())
        name, items = self._plain_word("a name"), None
        self._lines()
        if self._keyword() == "in":
            self.at += 2
            items = self._words()
        self.blanks()
        self._sign(";")
        self._expect("do")
        return For(name, items, self._up_to("done"), (), self._redirects())

    def _words(self) -> tuple[Word, ...]:
        words: list[Word] = []
        while True:
            self.blanks()
            word = self.word()
            if word is None:
                return tuple(words)
            words.append(word)

    def _plain_word(self, what: str) -> str:
        self.blanks()
        word = self.word()
        bare = word.bare if word else None
        if bare is None or not _FUNCTION.fullmatch(bare):
            raise Unreadable(f"{what} is missing")
        return bare

    def _case(self) -> Node:
        self.blanks()
        subject = self.word()
        self._expect("in")
        arms: list[tuple[tuple[Word, ...], Script]] = []
        self._lines()
        while self._keyword() != "esac":
            arms.append(self._arm())
            self._lines()
        self.at += 4
        if subject is None:
            raise Unreadable("case without a word")
        return Case(subject, tuple(arms), self._redirects())

    def _arm(self) -> tuple[tuple[Word, ...], Script]:
        self._sign("(")
        patterns: list[Word] = []
        while True:
            self.blanks()
            pattern = self.word()
            if pattern is None:
                raise Unreadable("a pattern is missing")
            patterns.append(pattern)
            self.blanks()
            if self._sign(")"):
                break
            if not self._sign("|"):
                raise Unreadable("a pattern that does not end")
        body = self._script()
        self._lines()
        self._sign(";;&", ";;", ";&")
        return tuple(patterns), body

    def _function(self) -> Node:
        name = self._plain_word("a name")
        self.blanks()
        if self._sign("("):
            self.blanks()
            if not self._sign(")"):
                raise Unreadable("a function that is not read")
        return self._body_of(name)

    def _body_of(self, name: str) -> Node:
        self._lines()
        return Function(name, self._guarded(self._command))

    def _calculation(self) -> Node:
        self.at += 2
        parts = self.arithmetic()
        return Test((Word((Arithmetic(parts),)),), self._redirects())

    def _test(self) -> Node:
        words: list[Word] = []
        while True:
            self._lines()
            if self._keyword() == "]]":
                self.at += 2
                return Test(tuple(words), self._redirects())
            if not self.peek():
                raise Unreadable("[[ without ]]")
            word = self.word()
            if word is not None:
                words.append(word)
            elif not self._sign("&&", "||", "(", ")", "<", ">", "|"):
                raise Unreadable("a condition that is not read")

    # -- simple commands

    def _simple(self) -> Node:
        self.blanks()
        begin = self.at
        words, assignments, redirects = list[Word](), list[Assignment](), list[Redirect]()
        while True:
            self.blanks()
            redirect = self._redirect()
            if redirect is not None:
                redirects.append(redirect)
                continue
            assignment = None if words else self._assignment()
            if assignment is not None:
                assignments.append(assignment)
                continue
            word = self.word()
            if word is None:
                break
            words.append(word)
            if len(words) == 1 and not assignments and self._is_function(word):
                return self._body_of(word.bare or "")
        if self.peek() == "(":
            raise Unreadable("parentheses where none are known")
        if not words and not assignments and not redirects:
            raise Unreadable("a command is missing")
        if words and words[0].bare in _KEYWORDS:
            raise Unreadable(f"something unexpected: {words[0].bare}")
        text = self.text[begin : self.at].strip()
        return Simple(tuple(words), tuple(assignments), tuple(redirects), words[0].at if words else None, text)

    def _is_function(self, word: Word) -> bool:
        at = self.at
        self.blanks()
        if self._sign("("):
            self.blanks()
            if self._sign(")"):
                if word.bare is None or not _FUNCTION.fullmatch(word.bare):
                    raise Unreadable("a function whose name cannot be told")
                return True
        self.at = at
        return False

    def _assignment(self) -> Assignment | None:
        self.continued()
        found = _ASSIGNS.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        name, appends = found[1] + (found[2] or ""), bool(found[3])
        if self.peek() != "(":
            value = None if self.peek() in BLANK else self.word()
            return Assignment(name, value, appends=appends)
        self.at += 1
        values: list[Word] = []
        while True:
            self._lines()
            if self._sign(")"):
                if self.peek() not in _AFTER_ARRAY:  # then it is no array for the shell, but one word
                    raise Unreadable("something that touches the end of an array")
                return Assignment(name, None, tuple(values), appends)
            value = self.word()
            if value is None:
                raise Unreadable("an array that does not end")
            values.append(value)

    # -- redirections

    def _redirects(self) -> tuple[Redirect, ...]:
        found: list[Redirect] = []
        while True:
            self.blanks()
            redirect = self._redirect()
            if redirect is None:
                return tuple(found)
            found.append(redirect)

    def _redirect(self) -> Redirect | None:
        self.continued()
        number = re.compile(r"[0-9]*(?=[<>])").match(self.text, self.at)
        at = self.at
        self.at = number.end() if number else at
        if self.peek(2) in ("<(", ">("):
            self.at = at
            return None
        operator = self._sign(*_REDIRECTS)
        if not operator:
            if re.compile(r"\{[A-Za-z_]\w*\}[<>]").match(self.text, self.at):
                raise Unreadable("a redirection to a variable")
            self.at = at
            return None
        self.blanks()
        target = self.word()
        if target is None:
            raise Unreadable("a redirection without a file")
        digits = number.group() if number else ""
        if operator == "<<<":
            return Redirect(operator, target, digits, Document(target))
        here = operator in ("<<", "<<-")
        return Redirect(operator, target, digits, self.announced(target, tabs=operator == "<<-") if here else None)
