"""Text that is written into files which tools run by themselves: scripts of a package, makefiles, recipes for images."""

from __future__ import annotations

import re

_LIFECYCLE = re.compile(r"[\"']?\b(?:pre|post)?(?:install|pack|publish|prepare)(?:Only)?[\"']?\s*:\s*[\"']")
_SELF = re.compile(
    r"\b(?:preinstall|postinstall|install|prepare|prepublish|prepublishOnly|prepack|postpack|postpublish|dependencies:install)\b"
)
_FETCHES_AND_RUNS = re.compile(
    r"\b(?:curl|wget|fetch)\b[^\n|;&]*\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b|\b(?:ba|z|da)?sh\s+(?:-c\s+)?[\"']?(?:<\(|\$\()\s*(?:curl|wget)"
    r"|\beval\s+[\"']?\$\(\s*(?:curl|wget)|/dev/(?:tcp|udp)/|\bnc\b[^\n]*\s-e\s|\bbase64\s+(?:-d|-D|--decode)[^\n|]*\|\s*(?:ba|z|da)?sh\b"
    r"|\bpython3?\s+-c\s+[\"'][^\n]*(?:urlopen|os\.system|socket)|\brm\s+-[a-z]*r[a-z]*\s+(?:/|~|\$HOME)(?:\s|\"|'|$)",
    re.IGNORECASE,
)
_MANIFESTS = re.compile(r"(?:^|/)(?:package\.json|composer\.json|deno\.jsonc?|project\.json)$")
_RECIPES = re.compile(
    r"(?:^|/)(?:(?:GNU)?makefile|.*\.mk|justfile|\.justfile|taskfile\.ya?ml|rakefile|gulpfile\.\w+|gruntfile\.\w+|dockerfile(?:\.\w+)?|containerfile"
    r"|docker-compose[\w.-]*\.ya?ml|compose[\w.-]*\.ya?ml|setup\.py|setup\.cfg|pyproject\.toml|build\.rs|conftest\.py|noxfile\.py|tasks\.py|tox\.ini"
    r"|.*\.gradle(?:\.kts)?|pom\.xml|cmakelists\.txt|.*\.cmake|vagrantfile|procfile|mise\.toml|\.mise\.toml|package\.json|.*\.(?:sh|bash|zsh|fish|ps1|bat|cmd))$",
    re.IGNORECASE,
)


def content_problem(path: str, text: str, before: str = "") -> str | None:
    """Why `text`, written to `path` instead of `before`, is not for an agent to write by itself; None where it is."""
    if not _RECIPES.search(path) and not _MANIFESTS.search(path):
        return None
    added = "\n".join(line for line in text.splitlines() if line not in before.splitlines())
    if _MANIFESTS.search(path) and _SELF.search(added) and _LIFECYCLE.search(added):
        return "adds a script that runs by itself at every install"
    if _FETCHES_AND_RUNS.search(added):
        return "adds a command that runs what it fetches, or worse"
    return None
