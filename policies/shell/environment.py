"""Variables that decide what programs do: setting one makes the harmless command after it another."""

from __future__ import annotations

import re

from policies.shell.classes import Effect, Finding
from policies.shell.expand import Arg

_RUNS = re.compile(
    r"^(?:LD_\w+|DYLD_\w+|GIT_\w+|SSH_\w+|BASH_\w+|ENV|SHELLOPTS|BASHOPTS|IFS|PATH|CDPATH|MANPATH|SHELL|PS[0-4]|PROMPT_COMMAND|HISTFILE|HISTCONTROL|FPATH|ZDOTDIR"
    r"|\w*PAGER|\w*EDITOR|VISUAL|BROWSER|LESS\w*|MORE|MANOPT|TERMINFO\w*|TERMCAP|TZDIR|LOCPATH|NLSPATH|GCONV_PATH|HOSTALIASES|RES_OPTIONS|LOCALDOMAIN"
    r"|PYTHON(?!UNBUFFERED|DONTWRITEBYTECODE|HASHSEED|WARNINGS|IOENCODING|UTF8|FAULTHANDLER)\w+|NODE_(?!ENV$)\w+|RUBY\w*|PERL\w*|JAVA\w*|_JAVA\w*|JDK\w*|CLASSPATH|LUA_\w+|PHP\w*|R_\w+|GEM_\w+|BUNDLE_\w+"
    r"|GCC_EXEC_PREFIX|COMPILER_PATH|MAKEFLAGS|MAKEFILES|GNUMAKEFLAGS|CC|CXX|LD|AR|AS|NM|CPP|FC|\w*_?WRAPPER|RUSTC\w*|RUSTFLAGS|RUSTDOC\w*|CARGO_(?!TERM_|INCREMENTAL|NET_OFFLINE)\w+"
    r"|GO(?:TOOLCHAIN|ROOT|PROXY|NOSUMDB|NOSUMCHECK|SUMDB|INSECURE|PRIVATE|ENV|BIN|FLAGS|EXPERIMENT)|CGO_\w*FLAGS\w*|PKG_CONFIG\w*|CMAKE_\w+"
    r"|(?:npm|NPM|YARN|PNPM|BUN|PIP|UV|POETRY|CONDA|HOMEBREW|APT|DENO)_\w+|(?:http|https|ftp|all|no|HTTP|HTTPS|FTP|ALL|NO)_(?:proxy|PROXY)"
    r"|HOME|USER|LOGNAME|XDG_\w+|TMPDIR|TMP|TEMP|KUBECONFIG|DOCKER_\w+|COMPOSE_\w+|AWS_\w+|AZURE_\w+|GOOGLE_\w+|CLOUDSDK_\w+|TF_\w+|VAULT_\w+|ANSIBLE_\w+"
    r"|HELM_\w+|PG\w+|MYSQL_\w+|REDISCLI_\w+|DATABASE_URL|GH_\w+|GITHUB_\w+|GITLAB_\w+|GNUPGHOME|CURL_\w+|WGETRC|SSL_CERT\w*|REQUESTS_CA_BUNDLE|OPENSSL_\w+"
    r"|JQ_\w+|RIPGREP_CONFIG_PATH|GREP_\w+|FZF_\w+|BAT_\w+|TAR_OPTIONS|ZIPOPT|UNZIP\w*|GZIP|XZ_\w+|RSYNC_\w+|PARALLEL\w*|TMUX\w*|SCREENRC|EXINIT|VIMINIT|MYVIMRC|EMACS\w*"
    r"|JEST_\w+|VITE_NODE\w+|ESLINT_USE\w*|PYTEST_(?:PLUGINS|ADDOPTS)|MYPYPATH|TOX_\w+|DOTNET_\w+|MSBUILD\w*|MAVEN_\w+|GRADLE_\w+|ANT_\w+|SBT_\w+|_?ERL_\w+|ELIXIR_\w+"
    r"|SUDO_\w+|ASKPASS|DISPLAY|WAYLAND_DISPLAY|DBUS_\w+|SAYSO_\w+|CLAUDE_\w+|ANTHROPIC_\w+|OPENAI_\w+|CODEX_\w+|GEMINI_\w+)$"
)
_PLAIN_PAGER = re.compile(r"^(?:cat|)$")
_PLAIN_FLAGS = re.compile(r"^(?:(?:^|\s+)-(?:mod=\w+|count=\d+|race|v|tags=[\w,]+|buildvcs=\w+|trimpath))+$")
_PLAIN_VALUE = re.compile(r"^[\w.,:-]*$")
_HARMLESS = frozenset(
    "GIT_TERMINAL_PROMPT GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_AUTHOR_DATE GIT_COMMITTER_NAME"
    " GIT_COMMITTER_EMAIL GIT_COMMITTER_DATE GIT_OPTIONAL_LOCKS GIT_DEPTH"
    " GITHUB_ACTIONS NODE_DEBUG NPM_CONFIG_LOGLEVEL npm_config_loglevel npm_config_yes npm_config_audit"
    " npm_config_fund PIP_DISABLE_PIP_VERSION_CHECK"
    " PIP_NO_INPUT PIP_NO_COLOR UV_OFFLINE UV_NO_PROGRESS UV_FROZEN UV_LINK_MODE AWS_DEFAULT_REGION AWS_REGION"
    " AWS_PAGER DOCKER_BUILDKIT COMPOSE_DOCKER_CLI_BUILD"
    " HOMEBREW_NO_AUTO_UPDATE TF_IN_AUTOMATION TF_INPUT DOTNET_CLI_TELEMETRY_OPTOUT DOTNET_NOLOGO"
    " CARGO_BUILD_JOBS GH_PAGER GH_PROMPT_DISABLED PGTZ TMUX_TMPDIR"
    " NEXT_TELEMETRY_DISABLED JAVA_HOME ANDROID_HOME YARN_ENABLE_IMMUTABLE_INSTALLS".split()
)


def setting(name: str, value: Arg) -> Finding | None:
    """What it means to set the variable `name`; None where that is harmless."""
    base = name.partition("[")[0]
    if "$(" in value.text or "`" in value.text:
        return Finding(Effect.UNKNOWN, f"sets {base} to a text that a shell may run")
    if not _RUNS.match(base):
        return None
    if value.known and "PAGER" in base and _PLAIN_PAGER.match(value.text):
        return None
    if (
        value.known
        and base in _HARMLESS
        and (_PLAIN_VALUE.match(value.text) or base.startswith(("GIT_AUTHOR", "GIT_COMMITTER")))
    ):
        return None
    if value.known and base == "GOFLAGS" and _PLAIN_FLAGS.match(value.text):
        return None
    if (
        value.known
        and base in ("JAVA_HOME", "ANDROID_HOME")
        and value.text.startswith(("/usr/lib/", "/opt/", "/Library/"))
    ):
        return None
    return Finding(Effect.UNKNOWN, f"sets {base}, which decides what programs do")
