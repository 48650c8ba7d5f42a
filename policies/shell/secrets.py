"""Files that hold secrets, and files that run code or grant rights by themselves: lists to read and to extend."""

from __future__ import annotations

import re

from policies.spelling import folded

# As a path's last steps, in lower case; also what a glob is tried against.
SECRET_FILES = (
    ".env",
    ".env.local",
    ".env.production",
    ".envrc",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".mylogin.cnf",
    ".git-credentials",
    ".htpasswd",
    ".dockercfg",
    ".vault-token",
    ".boto",
    ".s3cfg",
    ".dev.vars",
    ".bash_history",
    ".zsh_history",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "credentials.yml",
    "secrets.yml",
    "secrets.yaml",
    "secrets.json",
    "secrets.toml",
    "service-account.json",
    "terraform.tfstate",
    "auth.json",
    "oauth_creds.json",
    "wallet.dat",
    "server.pem",
    "server.key",
    "keystore.jks",
    "cert.p12",
    ".ssh/id_rsa",
    ".ssh/config",
    ".aws/credentials",
    ".aws/config",
    ".kube/config",
    ".docker/config.json",
    ".gnupg/private.key",
    ".config/gh/hosts.yml",
    "etc/shadow",
)

_NAMES = re.compile(
    r"""^(?:
      \.env(?!rc$)(?:\..+)? | \.?[\w-]+\.env | \.envrc | \.dev\.vars(?:\..+)?
    | \.netrc | _netrc | \.npmrc | \.pypirc | \.pgpass | \.my\.cnf | \.mylogin\.cnf | \.git-credentials | \.htpasswd | \.dockercfg
    | \.vault-token | \.vault_pass.* | \.boto | \.s3cfg | \.yarnrc | \.yarnrc\.yml | \.condarc | \.rclone\.conf | rclone\.conf
    | \.\w*_history | \.lesshst | \.viminfo
    | id_(?:rsa|dsa|ecdsa|ed25519)(?:_\w+|-\w+|\.\w+)? | .*\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|ovpn|asc|gpg|age)
    | credentials(?:\.(?:json|ya?ml|toml|ini|csv|txt|db|xml|tfrc\.json))? | \.credentials(?:\.\w+)?
    | (?:client_)?secrets?(?:[._-][\w-]+)?\.(?:json|ya?ml|toml|ini|env|txt|properties) | \.secrets?
    | service[-_]?account.*\.json | .*firebase-adminsdk.*\.json | gcp[-_]?key.*\.json
    | .*\.tfstate(?:\..+)? | .*\.tfvars(?:\.json)? | wp-config\.php | \.flaskenv
    | auth\.json | oauth_creds\.json | application_default_credentials\.json | access_tokens\.db
    | wallet\.dat | cookies\.(?:sqlite|db) | login\ data | key[34]\.db | logins\.json | .*\.keychain(?:-db)?
    | passwords?\.(?:txt|csv|json|ya?ml|xml) | master\.key | shadow-? | gshadow-? | sudoers | kubeconfig.* | .*\.kubeconfig
    | settings-security\.xml | tokens?\.txt
    )$""",
    re.VERBOSE,
)
_HARMLESS = re.compile(r"(?:^|[._-])(?:examples?|samples?|template|tmpl|dist|defaults?|schema|pub)(?:\.\w+)?$")
_DIRECTORIES = re.compile(
    r"(?:^|/)(?:\.ssh|\.aws|\.azure|\.gnupg|\.kube|\.gcloud|\.password-store|\.oci|\.gem/credentials|\.config/(?:gcloud|op|sops|rclone|hub)"
    r"|\.local/share/keyrings|library/keychains|run/secrets|etc/(?:sudoers\.d|ssl/private|ssh)|\.vault|\.cargo/credentials[^/]*"
    r"|\.mozilla|\.thunderbird|\.config/google-chrome|\.config/chromium|library/application support/google/chrome)(?:/|$)"
)
_OPEN = re.compile(r"(?:^|/)\.ssh/(?:known_hosts[^/]*|[^/]+\.pub)$")
_OF_PROCESSES = re.compile(r"^/proc/(?:[^/]+/(?:environ|mem|maps|root|cwd|fd|map_files)|kcore|kmem)")
_AT_HOME = re.compile(
    r"^(?:\.docker/config\.json|\.m2/settings\.xml|\.gradle/gradle\.properties|\.terraform\.d/.*|\.terraformrc|\.config/gh/.*"
    r"|\.claude/\.credentials\.json|\.claude\.json|\.codex/auth\.json|\.gemini/(?:oauth_creds|google_accounts)\.json|\.gitconfig\.local"
    r"|\.config/(?:gh|hub|glab-cli|doctl|flyctl|heroku|stripe|netlify|vercel|configstore|composer|pip)(?:/.*)?)$"
)

# Directories above the secrets of many.
SHARED_PARENTS = (
    "/",
    "/home",
    "/Users",
    "/root",
    "/etc",
    "/proc",
    "/run",
    "/var",
    "/private",
    "/var/run",
    "/mnt",
    "/media",
)


# What editors and people keep beside a file: `.env~`, `.#.env`, `.env.bak`, `server.key.orig`.
_COPY = re.compile(r"^\.?#(?=.)|#$|~$|\.(?:bak|backup|old|orig|save|sav|copy|swp|swo|tmp)[0-9]*$")
_SHORT = re.compile(r"^(\.?git)~[0-9]$")


def _as_disks_read(path: str) -> str:
    """A path as the most forgiving disk takes it: case, width, what is not seen, blanks and dots at an end, streams, short names."""
    steps = folded(path.replace("\\", "/")).split("/")
    return "/".join(_step(step) for step in steps)


def _step(step: str) -> str:
    plain = step if step in ("", ".", "..") else step.partition(":")[0].rstrip(" .") or step
    return ".git" if _SHORT.match(plain) else plain


def holds_secrets(path: str, *, within_home: str | None = None) -> str | None:
    """What kind of secret lies at `path` (absolute or relative), or None; `within_home` is the path from the home on."""
    seen = _as_disks_read(path)
    name = _COPY.sub("", seen.rstrip("/").rpartition("/")[2])
    if _OPEN.search(seen):
        return None
    if _OF_PROCESSES.match(seen):
        return "a process's own memory and environment"
    if found := _DIRECTORIES.search(seen):
        return found.group().strip("/")
    if within_home is not None and _AT_HOME.match(_as_disks_read(within_home)):
        return within_home
    if _NAMES.match(name) and not _HARMLESS.search(name):
        return name
    return None


_RUNS = "it runs code by itself"
_CI = "it decides what the build servers run"
_RIGHTS = "it grants the agent rights"
# From the work tree on, in lower case; a slash at the end means everything below.
GUARDED = {
    ".git/": "it is the repository's own record, with hooks that run by themselves",
    ".github/workflows/": _CI,
    ".github/actions/": _CI,
    ".gitlab-ci.yml": _CI,
    ".gitlab/": _CI,
    ".circleci/": _CI,
    ".buildkite/": _CI,
    ".travis.yml": _CI,
    ".drone.yml": _CI,
    ".woodpecker.yml": _CI,
    ".woodpecker/": _CI,
    ".forgejo/": _CI,
    ".gitea/": _CI,
    ".appveyor.yml": _CI,
    "appveyor.yml": _CI,
    "azure-pipelines.yml": _CI,
    "bitbucket-pipelines.yml": _CI,
    "jenkinsfile": _CI,
    "cloudbuild.yaml": _CI,
    "codeowners": "it decides who must review",
    ".github/codeowners": "it decides who must review",
    "docs/codeowners": "it decides who must review",
    ".claude/settings.json": _RIGHTS,
    ".claude/settings.local.json": _RIGHTS,
    ".claude/hooks/": _RUNS,
    ".claude/commands/": _RIGHTS,
    ".claude/agents/": _RIGHTS,
    ".codex/": _RIGHTS,
    ".gemini/settings.json": _RIGHTS,
    ".cursor/": _RIGHTS,
    ".mcp.json": "it starts programs with the agent",
    ".vscode/": _RUNS,
    ".idea/": _RUNS,
    ".devcontainer/": _RUNS,
    ".devcontainer.json": _RUNS,
    ".husky/": _RUNS,
    ".githooks/": _RUNS,
    ".pre-commit-config.yaml": _RUNS,
    "lefthook.yml": _RUNS,
    ".lefthook.yml": _RUNS,
    ".envrc": _RUNS,
    ".gitattributes": "it can make git run programs",
    ".gitmodules": "it says where code is fetched from",
    ".gitconfig": "it can make git run programs",
    ".cargo/": "it can make cargo run programs",
    ".pnpmfile.cjs": _RUNS,
    ".yarn/": _RUNS,
    "pip.conf": "it says where packages are fetched from",
    ".lldbinit": _RUNS,
    ".gdbinit": _RUNS,
    ".bashrc": _RUNS,
    ".profile": _RUNS,
    ".zshrc": _RUNS,
    ".exrc": _RUNS,
    ".nvimrc": _RUNS,
    ".vimrc": _RUNS,
    "sitecustomize.py": _RUNS,
    "usercustomize.py": _RUNS,
}
_ANYWHERE = re.compile(
    r"(?:^|/)(?:\.git(?:/|$)|\.husky/|\.envrc$|\.mcp\.json$|\.claude/(?:settings[^/]*\.json|hooks/)|\.github/workflows/|\.vscode/(?:tasks|settings|launch)\.json$"
    r"|\.gitattributes$|\.gitconfig$|\.cargo/config|[^/]+\.pth$|sitecustomize\.py$)"
)


def is_guarded(inner: str) -> str | None:
    """Why a path inside the work tree is not for an agent to change by itself; None where it is."""
    seen = _as_disks_read(inner)
    for guard, why in GUARDED.items():
        if seen == guard.rstrip("/") or (guard.endswith("/") and seen.startswith(guard)):
            return why
        if seen.startswith(".") and guard.startswith(f"{seen}/"):  # the whole folder, as in `mv .claude away`
            return why
    found = _ANYWHERE.search(seen)
    return _RUNS if found else None
