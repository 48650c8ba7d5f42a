"""What an action does, in one sentence: the manifest's `describe` template filled with the parameters (docs/rules.md: D1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Any

from jinja2 import (
    Environment,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateSyntaxError,
    Undefined,
    nodes,
    pass_environment,
)
from jinja2.exceptions import SecurityError
from jinja2.filters import make_attrgetter
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from policies.typical import typical

MAX_LENGTH = 600


_FAULTS = (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError, RecursionError)


def usd(value: Any) -> str:
    """Dollars as people write them: $4,800 or $12.50; anything but a number stays as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return str(value)
    amount = Decimal(str(value))
    whole = amount == amount.to_integral_value()
    # Never round: a person approves the exact amount.
    digits = max(2, -int(amount.as_tuple().exponent)) if not whole else 0
    return f"${amount:,.{digits}f}" if amount >= 0 else f"-${-amount:,.{digits}f}"


_CALLED = " "  # before the name of a method that is called: no template can spell it


class _Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox in which no template can compute for long: it is compiled when the file loads, and runs for every card."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def _generate(self, source: nodes.Template, *given: Any, **named: Any) -> str:
        """`a ~ b` joins texts: what is no text is said in words first."""
        for joined in list(source.find_all(nodes.Concat)):
            joined.nodes = [_in_words(part, self) for part in joined.nodes]
        for call in source.find_all(nodes.Call):
            if isinstance(call.node, nodes.Getattr):
                call.node.attr = _CALLED + call.node.attr
        return super()._generate(source, *given, **named)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Numbers may be multiplied; powers and texts made long may not."""
        if operator == "*" and isinstance(left, int | float) and isinstance(right, int | float):
            return left * right
        raise SecurityError(f"{operator} is not for templates")

    def is_safe_callable(self, obj: Any) -> bool:
        """Methods of texts that pad or multiply could fill the memory."""
        return getattr(obj, "__name__", "") not in _PADDING and bool(super().is_safe_callable(obj))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`params.items` is what the agent sent or missing, whatever Python calls its own; `params.items()` is the method."""
        name = attribute.removeprefix(_CALLED)
        if isinstance(obj, Mapping) and name == attribute:
            return self._sent(obj, name)
        return super().getattr(obj, name)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The same for `params['items']`."""
        if isinstance(obj, Mapping) and isinstance(argument, str):
            return self._sent(obj, argument)
        return super().getitem(obj, argument)

    def _sent(self, sent: Mapping[str, Any], name: str) -> Any:
        if name in sent:
            return sent[name]
        return (_Uncalled if hasattr(dict, name) else self.undefined)(obj=sent, name=name)


class _Uncalled(StrictUndefined):
    """A parameter that is missing, and has the name of a method: whoever wrote it may have meant that."""


def _in_words(part: nodes.Expr, environment: Environment) -> nodes.Expr:
    said = nodes.Filter(part, _WORDS, [], [], None, None, lineno=part.lineno)
    said.set_environment(environment)
    return said


def words(value: Any) -> Any:
    """A value as a sentence says it; raises NotAValue for what is no JSON value."""
    if isinstance(value, _Uncalled):
        raise NotAValue("method")
    if isinstance(value, Undefined):
        return str(value)  # raises, and names what is missing
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float | Decimal):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {words(child)}" for name, child in value.items()) or "nothing"
    if isinstance(value, list | tuple):
        *most, last = [str(words(child)) for child in value] or ["nothing"]
        return f"{', '.join(most)} and {last}" if most else last
    raise NotAValue(type(value).__name__)


class NotAValue(TypeError):
    """A template prints something of Python's own; `kind` is its type."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"a {kind} is no value")
        self.kind = kind


_PADDING = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map"})
_PADDING_FILTERS = (
    "center",
    "indent",
    "format",
    "wordwrap",
    "replace",
    "random",
    "xmlattr",
    "batch",
    "slice",
    "tojson",
    "pprint",
)
# What makes a text of its value: a list or an object is read as words first, never as Python writes it.
_TEXT_FILTERS = (
    "string", "upper", "lower", "capitalize", "title", "trim", "truncate", "striptags", "urlize", "e", "escape",
    "forceescape", "safe", "wordcount",
)  # fmt: skip
_WORDS = " words"  # the name of a filter that no template can spell


def _environment() -> _Sandbox:
    environment = _Sandbox(undefined=StrictUndefined, autoescape=False, finalize=words)
    environment.globals.clear()  # range() and friends could run for ever
    for name in _PADDING_FILTERS:
        del environment.filters[name]
    for name in _TEXT_FILTERS:
        environment.filters[name] = _of_words(environment.filters[name])
    environment.filters |= {"usd": usd, "join": _join, _WORDS: words}
    return environment


def _of_words(work: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that is given its value as a sentence says it."""
    at = 0 if getattr(work, "jinja_pass_arg", None) is None else 1

    @wraps(work)
    def of_words(*given: Any, **named: Any) -> Any:
        return work(*given[:at], words(given[at]), *given[at + 1 :], **named)

    return of_words


@pass_environment
def _join(environment: Environment, values: Any, between: str = "", attribute: str | int | None = None) -> str:
    """Jinja2's own, but for entries that are lists or objects themselves: they are said in words."""
    pick = make_attrgetter(environment, attribute) if attribute is not None else words
    return str(between).join(str(words(pick(value))) for value in values)


_ENVIRONMENT = _environment()


# One sentence needs no other template, no macro, and no power or text formatting.
_REFUSED = (
    nodes.Include,
    nodes.Extends,
    nodes.Import,
    nodes.FromImport,
    nodes.Block,
    nodes.Macro,
    nodes.CallBlock,
    nodes.Pow,
    nodes.Mod,
)


@lru_cache(maxsize=2048)
def _template(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)


def checked(source: str) -> str:
    """`source` itself; raises ValueError where it is not a template over params alone."""
    try:
        tree = _ENVIRONMENT.parse(source)
        refused = next(tree.find_all(_REFUSED), None)
        unknown = (find_undeclared_variables(tree) - {"params"}) | _jinjas_own(tree)
        _template(source)
    except TemplateSyntaxError as error:
        raise ValueError(f"not a Jinja2 template: {error.message}") from None
    except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
        raise ValueError(f"not a Jinja2 template: {error}") from None
    except (RecursionError, MemoryError, SyntaxError):
        raise ValueError("not a Jinja2 template: nested too deep") from None
    if refused is not None:
        raise ValueError(f"{type(refused).__name__.lower()} is not for a sentence: use values, if and for")
    if unknown:
        raise ValueError(f"only params can be named, not {', '.join(sorted(unknown))}")
    _rehearse(source)
    return source


class _Sample(dict[str, Any]):
    """Parameters of any name: whatever is asked for is there, in `shy` ones but for the names of methods."""

    def __init__(self, value: Any, *, shy: bool = False) -> None:
        super().__init__(name=value)
        self._value, self._shy = value, shy

    def __contains__(self, name: object) -> bool:
        return not (self._shy and hasattr(dict, str(name)))

    def __getitem__(self, name: str) -> Any:
        return self._value

    def get(self, name: str, default: Any = None) -> Any:
        """The value, as for any name."""
        return self._value


_PLAIN: tuple[Any, ...] = ("text", 7, 0, "", True, False, None)
# Values of each kind: a sentence may need a number or a list, and then says nothing of the others.
_SAMPLES: tuple[Any, ...] = (
    *_PLAIN,
    [1],
    [],
    ["text"],
    *(_Sample(one) for one in _PLAIN),
    [_Sample("text")],
    [_Sample(7)],
)


def _rehearse(source: str) -> None:
    """Raise ValueError where the template prints an object of Python's, or nothing, whatever the parameters are."""
    printed, object_of, untold = False, "", False
    for params in (_Sample(value, shy=shy) for value in _SAMPLES for shy in (False, True)):
        try:
            printed = bool(_template(source).render(params=params).strip()) or printed
        except NotAValue as error:
            object_of = error.kind
        except _FAULTS:
            untold = True  # no sample suits every part of a sentence
    if printed:
        return
    if object_of and not untold:
        raise ValueError(_prints(object_of))
    if next(_paths_in(_ENVIRONMENT.parse(source)), None) is None:
        raise ValueError("it prints nothing")


def _prints(kind: str) -> str:
    what = {"builtin_function_or_method": "a method", "method": "a method", "generator": "a sequence that is not read"}
    return f"it prints {what.get(kind, f'a {kind}')}, not a value: call it, or join it with | join(', ')"


def check_with_schema(source: str, schema: dict[str, Any]) -> None:
    """Raise ValueError where the template prints an object of Python's for parameters as `schema` has them."""
    try:
        _template(source).render(params=typical(schema, lambda: _Sample("text")))
    except NotAValue as error:
        raise ValueError(_prints(error.kind)) from None
    except _FAULTS:
        return


def named(source: str) -> dict[str, bool]:
    """The parameter paths that a template names, and whether each may be missing without harm (default, is defined, if)."""
    tree = _ENVIRONMENT.parse(source)
    guarded = {
        path
        for guard in tree.find_all((nodes.Filter, nodes.Test, nodes.If, nodes.CondExpr))
        if not isinstance(guard, nodes.Filter) or guard.name in ("default", "d")
        for path in _paths_in(guard)
    }
    found = set(_paths_in(tree))
    return {path: path in guarded for path in found if not any(other.startswith(f"{path}.") for other in found)}


@lru_cache(maxsize=2048)
def paths_named(source: str) -> frozenset[str]:
    """The parameter paths that a template names, such as `params.customer`."""
    return frozenset(_paths_in(_ENVIRONMENT.parse(source)))


def _jinjas_own(tree: nodes.Node) -> set[str]:
    """Names that Jinja2 itself fills, and that say nothing about the parameters."""
    return {"self", "caller", "varargs", "kwargs"}.intersection(node.name for node in tree.find_all(nodes.Name))


def _paths_in(tree: nodes.Node) -> Iterator[str]:
    called = [call.node for call in tree.find_all(nodes.Call)]
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        path = _path(node)
        if path and node not in called:
            yield path


def _path(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Name):
        return node.name if node.name == "params" else None
    if isinstance(node, nodes.Getattr):
        key: Any = node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        key = node.arg.value
    else:
        return None
    parent = _path(node.node)
    return f"{parent}.{key}" if parent and isinstance(key, str) else None


def sentence(source: str, title: str, params: dict[str, Any]) -> str:
    """The filled sentence on one line; where a named parameter is missing, the title, since the parameters follow in full anyway."""
    try:
        text = _template(source).render(params=params)
    except _FAULTS:
        return title
    text = " ".join(text.split())
    if not text:
        return title
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + "…"
