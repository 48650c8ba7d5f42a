"""What a command line does: every simple command in it is found, wherever it is hidden, and judged where it would run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from policies.shell import printed
from policies.shell.builtins import BUILTINS, Changed
from policies.shell.call import NO_INPUT, Around, Call, Input
from policies.shell.classes import Effect, Finding, Verdict, gravest, verdict
from policies.shell.environment import setting
from policies.shell.expand import UNKNOWN, Arg, Expander, State
from policies.shell.names import NO_NAMES
from policies.shell.operands import paths
from policies.shell.places import Places
from policies.shell.reader import read_script
from policies.shell.rules import by_table
from policies.shell.second_reader import agrees
from policies.shell.table import Table, built_in
from policies.shell.tree import (
    AndOr,
    Case,
    For,
    Function,
    Group,
    If,
    Node,
    Part,
    Pipeline,
    Process,
    Redirect,
    Script,
    Simple,
    Substitution,
    Test,
    Unreadable,
    While,
    Word,
)
from policies.shell.wrappers import wrapped

MAX_STATES = 24
MAX_CALLS = 1_000
MAX_DEPTH = 12
_PART = 400
_COMPARES = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v"})


def judge(command: str, places: Places, *, cwd: str | None, table: Table | None = None) -> Verdict:
    """What the command line does when it is run in `cwd`; what cannot be read for certain is unknown."""
    judging = Judging(places, built_in() if table is None else table)
    try:
        script = read_script(command)
        if not agrees(command, script):
            raise Unreadable("two readers of the shell do not agree on it")
        judging.run(script, [State(cwd)], NO_INPUT)
    except Unreadable as problem:
        return verdict([Finding(Effect.UNKNOWN, f"cannot be read for certain: {problem}", command[:_PART])])
    except RecursionError:
        return verdict([Finding(Effect.UNKNOWN, "cannot be read for certain: nested too deep", command[:_PART])])
    return verdict(judging.parts.values())


@dataclass(frozen=True, slots=True)
class After:
    """The states that the shell may be in, where a command succeeded and where it failed."""

    success: Sequence[State]
    failure: Sequence[State]

    @property
    def either(self) -> list[State]:
        """All of them."""
        return merged([*self.success, *self.failure])


def merged(states: Iterable[State]) -> list[State]:
    """Each state once. Raises Unreadable where there are too many to follow."""
    found = list({state.key: state for state in states}.values())
    if len(found) > MAX_STATES:
        raise Unreadable("too many ways that it could go")
    return found


class Judging:
    """Walks one command line; `parts` holds its simple commands in order, each with the gravest of what it may do."""

    def __init__(self, places: Places, table: Table) -> None:
        self.parts: dict[int | str, Finding] = {}
        self.functions: dict[str, list[Node]] = {}
        self.calls, self.depth = 0, 0
        self.around = Around(places, table, set(), self._judged, self._judged_text, self._judged_script)

    # -- the grammar

    def run(self, script: Script, states: Sequence[State], given: Input) -> After:
        """Commands one after the other, from any of `states`."""
        after = After(states, [])
        for node in script.nodes:
            after = self.node(node, after.either, given)
        return after

    def node(self, node: Node, states: Sequence[State], given: Input) -> After:
        """One command of any kind."""
        match node:
            case Simple():
                return self._simple(node, states, given)
            case Pipeline():
                return self._pipeline(node, states, given)
            case AndOr():
                return self._and_or(node, states, given)
            case Group():
                after = self.run(node.body, states, self._fed(node.redirects, states, given))
                return After(states, states) if node.subshell else after
            case For():
                return self._for(node, states, self._fed(node.redirects, states, given))
            case While():
                return self._while(node, states, self._fed(node.redirects, states, given))
            case If():
                return self._if(node, states, self._fed(node.redirects, states, given))
            case Case():
                return self._case(node, states, self._fed(node.redirects, states, given))
            case Function():
                self.functions.setdefault(node.name, []).append(node.body)
                return After(states, states)
            case Test():
                for state in states:
                    self._test(node, state)
                self._fed(node.redirects, states, given)
                return After(states, states)

    def _test(self, node: Test, state: State) -> None:
        """A condition: some compare numbers, and what stands for a number is evaluated."""
        values = [self._expander(state).single(word) for word in node.words]
        counts = any(value.text in _COMPARES for value in values)
        if any("$(" in one.text or "`" in one.text or (counts and not one.known and not one.tame) for one in values):
            raise Unreadable("a condition that may run what it compares")

    def _pipeline(self, node: Pipeline, states: Sequence[State], given: Input) -> After:
        after = After(states, states)
        for at, stage in enumerate(node.stages):
            if at:
                before = Pipeline(node.stages[:at]) if at > 1 else node.stages[0]
                kinds = {printed.lists_names(before, self._expander(state)) for state in states}
                given = Input("pipe", names=kinds.pop() if len(kinds) == 1 else NO_NAMES)
            after = self.node(stage, states, given)
        # Some shells run the last stage in the shell itself.
        kept = merged([*states, *after.either])
        return After(kept, kept)

    def _and_or(self, node: AndOr, states: Sequence[State], given: Input) -> After:
        after = self.node(node.first, states, given)
        for sign, then in node.rest:
            entered, passed = (after.success, after.failure) if sign == "&&" else (after.failure, after.success)
            following = self.node(then, merged(entered), given)
            if sign == "&&":
                after = After(following.success, merged([*passed, *following.failure]))
            else:
                after = After(merged([*passed, *following.success]), following.failure)
        return after

    def _for(self, node: For, states: Sequence[State], given: Input) -> After:
        every = list(states)
        for state in states:
            expander = self._expander(state)
            if node.parts:
                expander.single(Word(node.parts))
            values = expander.words(node.items) if node.items is not None else (UNKNOWN,)
            if not node.name:
                values = (Arg("0"),) * 3
            if node.name and setting(node.name, UNKNOWN):
                raise Unreadable(f"a loop over {node.name}, which decides what programs do")
            current = [state]
            for value in dict.fromkeys(replace(value, several=False) for value in values[: MAX_STATES * 2]):
                entered = [one.knowing(node.name, value) if node.name else one for one in current]
                current = self.run(node.body, merged(entered), given).either
                every.extend(current)
            if len(values) > MAX_STATES * 2:
                raise Unreadable("a loop over too many words")
        return After(merged(every), merged(every))

    def _while(self, node: While, states: Sequence[State], given: Input) -> After:
        every, current = list(states), list(states)
        for _ in range(3):
            current = self.run(node.condition, current, given).either
            every = merged([*every, *current])
            current = self.run(node.body, current, given).either
            every = merged([*every, *current])
        return After(every, every)

    def _if(self, node: If, states: Sequence[State], given: Input) -> After:
        every: list[State] = []
        current = list(states)
        for condition, body in node.branches:
            after = self.run(condition, current, given)
            every.extend(self.run(body, merged(after.success or after.either), given).either)
            current = merged(after.failure or after.either)
        if node.otherwise is not None:
            every.extend(self.run(node.otherwise, current, given).either)
        kept = merged([*every, *current])
        return After(kept, kept)

    def _case(self, node: Case, states: Sequence[State], given: Input) -> After:
        every = list(states)
        for state in states:
            self._expander(state).single(node.subject)
        for patterns, body in node.arms:
            for state in states:
                for pattern in patterns:
                    self._expander(state).single(pattern)
            every.extend(self.run(body, states, given).either)
        return After(merged(every), merged(every))

    # -- simple commands

    def _simple(self, node: Simple, states: Sequence[State], given: Input) -> After:
        success: list[State] = []
        failure: list[State] = []
        for state in states:
            found, changed = self._in_state(node, state, given)
            self._note(node, found)
            success.extend(changed.success)
            failure.extend(changed.failure)
        return After(merged(success), merged(failure))

    def _in_state(self, node: Simple, state: State, given: Input) -> tuple[list[Finding], Changed]:
        self._count()
        expander = self._expander(state)
        results: list[Finding] = []
        assigned = state
        for one in node.assignments:
            value = expander.single(one.value)
            for word in one.values or ():
                value = replace(UNKNOWN, secret=expander.single(word).secret)
            value = replace(value, glob=False) if not one.appends else UNKNOWN
            told = setting(one.name, value)
            results.extend([told] if told else [])
            assigned = assigned.knowing(one.name.partition("[")[0], value)
        fed = self._redirected(node.redirects, state, given, results)
        if not node.words:
            return results, Changed([assigned], [assigned])
        args = expander.words(node.words)
        if not args:
            return [*results, Finding(Effect.UNKNOWN, "runs a program whose name is only known when it runs")], Changed(
                [state], [state]
            )
        inner = assigned if node.assignments else state
        call = Call(args[0], args[1:], inner, self.around, fed, node.text)
        return self._dispatch(call, state, results)

    def _dispatch(self, call: Call, state: State, results: list[Finding]) -> tuple[list[Finding], Changed]:
        """One command with its words known: a function, something of the shell itself, or a program."""
        while call.path.text in ("command", "builtin", "time") and call.args and not call.args[0].text.startswith("-"):
            call = call.instead(call.args)
        if not call.path.known:
            return [*results, Finding(Effect.UNKNOWN, "runs a program whose name is only known when it runs")], Changed(
                [state], [state]
            )
        if call.path.text in self.functions:
            return results, self._function(call, state)
        if call.path.text == "eval":
            return self._eval(call, state, results)
        builtin = BUILTINS.get(call.path.text)
        if builtin is not None:
            told, changed = builtin(call, state)
            return [*results, *told], changed
        return [*results, *self._judged(call)], Changed([state], [state])

    def _function(self, call: Call, state: State) -> Changed:
        self._deeper()
        states = [replace(state, arguments=call.args)]
        every: list[State] = []
        for body in self.functions[call.path.text]:
            every.extend(self.node(body, states, call.input).either)
        self.depth -= 1
        kept = merged(replace(one, arguments=state.arguments) for one in every)
        return Changed(kept, kept)

    def _eval(self, call: Call, state: State, results: list[Finding]) -> tuple[list[Finding], Changed]:
        if not all(arg.known for arg in call.args):
            return [*results, Finding(Effect.UNKNOWN, "runs a text that is only known when it runs")], Changed(
                [state], [state]
            )
        self._deeper()
        after = self.run(self._read(" ".join(arg.text for arg in call.args)), [state], call.input)
        self.depth -= 1
        return results, Changed(after.either, after.either)

    # -- redirections

    def _fed(self, redirects: tuple[Redirect, ...], states: Sequence[State], given: Input) -> Input:
        for state in states:
            results: list[Finding] = []
            fed = self._redirected(redirects, state, given, results)
            for one in results:
                self._note_text(f"{one.why}", one)
            given = fed if redirects else given
        return given

    def _redirected(self, redirects: tuple[Redirect, ...], state: State, given: Input, results: list[Finding]) -> Input:
        call = Call(Arg("redirection"), (), state, self.around)
        expander = self._expander(state)
        for one in redirects:
            if one.document is not None:
                text = expander.single(one.document.text)
                given = Input("text", text.text if text.known else None)
                continue
            target = expander.single(one.target)
            if one.operator in (">&", "<&") and (target.text.rstrip("-").isdigit() or target.text == "-"):
                continue
            if target.text.startswith("!"):
                results.append(Finding(Effect.UNKNOWN, "zsh overwrites what stands behind >!"))
            elif target.text.startswith(("/dev/tcp/", "/dev/udp/")):
                results.append(Finding(Effect.OUTWARD, "opens a connection to another machine"))
            elif any(isinstance(part, Process) for part in one.target.parts):
                given = Input("pipe") if one.operator == "<" else given
            elif one.operator == "<":
                results.append(paths.read(call, target))
                given = Input("file")
            else:
                results.append(paths.write(call, target, fresh=True))
        return given

    # -- commands within commands

    def _judged(self, call: Call) -> list[Finding]:
        self._count()
        if call.depth > MAX_DEPTH:
            raise Unreadable("nested too deep")
        if not call.path.known or not call.path.text:
            return [Finding(Effect.UNKNOWN, "runs a program whose name is only known when it runs")]
        if call.depth and call.path.text in BUILTINS:
            return BUILTINS[call.path.text](call, call.state)[0]
        if call.depth and call.path.text == "eval":
            return self._eval(call, call.state, [])[0]
        inner = wrapped(call)
        return (
            by_table(call)
            if inner is None
            else [Finding(Effect.READ, f"starts another command through {call.program}"), *inner]
        )

    def _judged_text(self, text: str, call: Call) -> list[Finding]:
        self._deeper()
        self.run(self._read(text), [call.state], call.input)
        self.depth -= 1
        return []

    def _judged_script(self, script: Script, call: Call) -> list[Finding]:
        self._deeper()
        self.run(script, [call.state], call.input)
        self.depth -= 1
        return []

    def _read(self, text: str) -> Script:
        script = read_script(text)
        if not agrees(text, script):
            raise Unreadable("two readers of the shell do not agree on it")
        return script

    def _expander(self, state: State) -> Expander:
        return Expander(state, self.around.places, lambda part: self._output(part, state))

    def _output(self, part: Part, state: State) -> Arg:
        assert isinstance(part, Substitution | Process)
        self._deeper()
        self.run(part.body, [state], NO_INPUT)
        self.depth -= 1
        return printed.prints(part, self._expander(state), self.around.places.tree)

    # -- bounds and notes

    def _count(self) -> None:
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise Unreadable("too many commands")

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deep, or a function that calls itself")

    def _note(self, node: Simple, found: list[Finding]) -> None:
        otherwise = self.parts.get(id(node), Finding(Effect.READ, "sets variables" if not node.words else "looks only"))
        told = gravest(found, otherwise)
        self.parts[id(node)] = replace(told, part=node.text[:_PART])

    def _note_text(self, key: str, found: Finding) -> None:
        if not found.effect.harmless:
            self.parts[key] = found
