"""Whether a line of Python only computes and prints. It is read as a tree; what is not known to be harmless is not."""

from __future__ import annotations

import ast
import re
import sys

_MODULES = frozenset(
    "json re sys math cmath statistics decimal fractions random string textwrap datetime time calendar zoneinfo collections itertools"
    " functools operator enum dataclasses typing types abc copy pprint unicodedata difflib heapq bisect array numbers colorsys struct"
    " base64 binascii hashlib uuid platform keyword token tokenize ast dis inspect warnings traceback tomllib csv html"
    " __future__ contextlib locale".split()
)
# The names under which projects keep their own code: importing it is running a script of the work tree.
_OWN = frozenset({"tests", "test", "src", "app", "lib", "core", "main", "utils"})
_CALLS = frozenset(
    "print len range sorted sum min max abs round int float str repr bool list dict set tuple frozenset enumerate zip map filter any"
    " all"
    " reversed type isinstance issubclass hasattr id ord chr hex oct bin divmod pow hash iter next format bytes bytearray slice ascii"
    " callable complex Exception ValueError dir".split()
)
_REFUSED = re.compile(
    r"^(?:__\w+__|system|popen|spawn\w*|exec\w*|eval|compile|fork\w*|run|call|check_\w+|Popen|open|fdopen|unlink|remove\w*|rmdir|rmtree|rename\w*"
    r"|replace_file|chmod|chown|link|symlink|truncate|mkdir|makedirs|kill\w*|putenv|environ|environb|getenv|modules|meta_path|path_hooks|addaudithook"
    r"|settrace|setprofile|_getframe|load\w*_source|import_module|read_pickle|read_csv|read_\w+|to_\w+|load|tofile|fromfile|memmap|save\w*|loadtxt|genfromtxt"
    r"|getsource\w*|getfile|f_globals|f_locals|f_back|gi_frame|cr_frame|tb_frame|mro|subclasses|write_\w+|breakpoint|input|vars|globals|locals"
    r"|getattr|setattr|delattr|attrgetter|methodcaller|builtins|stdin)$"
)
_OPENS_TO_READ = frozenset({"r", "rb", "rt"})


def python_problem(code: str) -> tuple[str | None, list[str]]:
    """Why `code` may do more than compute and print, as a clause, or None; and the files that it reads."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "cannot be read", []
    nodes = list(ast.walk(tree))
    files = [file for node in nodes if (file := _opened(node)) is not None]
    opens = sum(isinstance(node, ast.Name) and node.id == "open" for node in nodes)
    if opens != len(files):
        return "opens files", []
    known = {node.name for node in nodes if isinstance(node, ast.FunctionDef)} | {
        (alias.asname or alias.name).partition(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return next((problem for node in nodes if (problem := _problem(node, known))), None), files


def _opened(node: ast.AST) -> str | None:
    """The file that a plain `open("name")` reads."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"):
        return None
    texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    plain = (
        len(texts) == len(node.args)
        and 1 <= len(texts) <= 2
        and all(keyword.arg == "encoding" for keyword in node.keywords)
    )
    return texts[0] if plain and set(texts[1:]) <= _OPENS_TO_READ else None


def _problem(node: ast.AST, known: set[str]) -> str | None:
    if isinstance(node, ast.Import):
        return next((f"imports {alias.name}" for alias in node.names if not _harmless(alias.name)), None)
    if isinstance(node, ast.ImportFrom):
        if node.level or not _harmless(node.module or ""):
            return f"imports {node.module}"
        own = (node.module or "").partition(".")[0] in _OWN
        reaches = _REFUSED.match if own else _reaches
        return next((f"uses {alias.name}" for alias in node.names if reaches(alias.name) or alias.name == "*"), None)
    if isinstance(node, ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else ""
        plain = (owner, node.attr) in _PLAIN
        return f"uses {node.attr}" if _reaches(node.attr) and not plain else None
    if isinstance(node, ast.Name):
        return f"uses {node.id}" if node.id != "open" and _REFUSED.match(node.id) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in _CALLS | known | {"open"}:
        return f"calls {node.func.id}"
    if isinstance(node, _MORE):
        return "is more than one line of work"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and "__" in node.value:
        return "names an inner part of Python"
    return None


_MORE = (ast.ClassDef, ast.AsyncFunctionDef, ast.Global, ast.Nonlocal, ast.AsyncWith, ast.Await)
_PLAIN = frozenset({("sys", "stdin"), ("json", "load"), ("tomllib", "load")})


def _reaches(name: str) -> bool:
    """Whether an attribute leads out of what is harmless: to inner parts, to another module, or to what acts."""
    if name.startswith("_") or name == "main" or _REFUSED.match(name):
        return True
    return name in sys.stdlib_module_names and name not in _MODULES


def _harmless(module: str) -> bool:
    return module in _MODULES or module.partition(".")[0] in _OWN
