"""git and the tools around it. How to read the lines: `policies/shell/table.py`."""

LINES = r"""
git | unknown | any
    | -C=dir -c=gitconfig --config-env=unknown --exec-path=unknown --git-dir=script --work-tree=dir --namespace=value
      --super-prefix=unknown -p=read --paginate=read --no-pager=read -P=read --no-optional-locks=read --bare=read
      --literal-pathspecs=read --no-replace-objects=read --attr-source=value
    | is a git command that is not known: perhaps an alias
git status, git shortlog, git describe, git rev-parse, git rev-list, git ls-files, git ls-tree, git merge-base,
    git for-each-ref, git show-ref, git name-rev, git count-objects, git check-ignore, git check-attr, git
    check-ref-format, git cherry, git var, git version, git verify-commit, git verify-tag, git verify-pack, git
    fsck, git diff-tree, git diff-index, git diff-files, git show-branch, git merge-tree, git patch-id, git
    stripspace, git column, git get-tar-commit-id, git whatchanged, git blame, git annotate, git cat-file, git
    range-diff, git diff-pairs | read | revisions
    | --output=write --ext-diff=unknown --textconv=unknown --filters=unknown --open-files-in-pager=unknown
      --upload-pack=unknown --exec=unknown --contents=file -n=value --format=value --pretty=value
      --exclude-from=file --sort=value --since=value --until=value --author=value --max-count=value -L=value
git log, git show, git diff | read | revisions
    | --output=write --ext-diff=unknown --textconv=unknown -S=value -G=value -n=value --format=value
      --pretty=value --since=value --until=value --author=value --grep=value --max-count=value -L=value
      --diff-filter=value --date=value --after=value --before=value --word-diff-regex=value -O=file --skip=value
git grep | read | deep pattern
    | -e=pattern -f=patternfile -O=unknown --open-files-in-pager=unknown --ext-grep=unknown --textconv=unknown
      -A=value -B=value -C=value -m=plain --max-depth=value --threads=value
git reflog | read | revisions | -n=value --date=value --format=value
git reflog expire, git reflog delete, git reflog drop | destructive | any | | deletes the record of past commits
git help | read | none | -w=unknown --web=unknown -m=unknown --man=read
git bugreport, git diagnose | local | none | -o=write --output-directory=write
git branch | local | text
    | -d=local -D=destructive --delete=local -f=destructive --force=destructive -M=destructive -C=destructive
      -m=local -u=local --set-upstream-to=local --edit-description=unknown --contains=value --no-contains=value
      --merged=value --no-merged=value --sort=value --format=value --points-at=value --list=read -l=read -a=read
      -r=read -v=read -vv=read --show-current=read --all=read --remotes=read --unset-upstream=local --track=local
      -t=local | changes branches
git branch --list, git branch -l, git branch -a, git branch -r, git branch -v, git branch -vv, git branch
    --show-current, git branch --all, git branch --contains, git branch --merged, git branch --no-merged
    | read | text
    | -d=local -D=destructive --delete=local -f=destructive --force=destructive -M=destructive -C=destructive
      -m=local --sort=value --format=value --edit-description=unknown
git tag | local | text
    | -d=destructive --delete=destructive -f=destructive --force=destructive -F=file --file=file -m=plain
      --message=plain -u=value --local-user=value --sort=value --format=value --contains=value --points-at=value
      -n=read -l=read --list=read -e=unknown --edit=unknown | makes a tag
git stash list, git stash show | read | text | --output=write --ext-diff=unknown --textconv=unknown
git stash, git stash push, git stash save, git stash pop, git stash apply, git stash branch, git stash create,
    git stash store | local | text
    | -m=plain --message=plain --pathspec-from-file=file
git stash drop, git stash clear | destructive | any | | throws stashed work away
git add, git stage | local | works
    | -f=local -e=unknown --edit=unknown -i=unknown --interactive=unknown -p=unknown --patch=unknown --chmod=value
      --pathspec-from-file=file
git commit | local | text
    | -m=plain --message=plain -F=file --file=file -C=value -c=unknown --author=value --date=value -t=file
      --template=file -e=unknown --edit=unknown --fixup=value --squash=value --reuse-message=value
      --reedit-message=unknown --trailer=value --cleanup=value -p=unknown --patch=unknown --interactive=unknown
git mv | local | mv | -f=destructive --force=destructive
git rm | local | removes | --cached=local -r=destructive -f=destructive --force=destructive --pathspec-from-file=file
git rm --cached | local | works | -f=local
git restore | destructive | text
    | --staged=destructive -S=destructive -s=value --source=value -p=unknown | throws uncommitted changes away
git restore --staged | local | text | --worktree=destructive -W=destructive -s=value --source=value
git checkout | local | checkout
    | -b=value -B=destructive -f=destructive --force=destructive --orphan=value -p=unknown --patch=unknown
      --ours=destructive --theirs=destructive --merge=destructive -m=destructive --pathspec-from-file=destructive
      --overwrite-ignore=destructive -t=local --track=local
git switch | local | text
    | -c=value -C=destructive --create=value --force-create=destructive -f=destructive --force=destructive
      --discard-changes=destructive --orphan=value -m=destructive --merge=destructive --detach=local -d=local
git reset | local | text
    | --hard=destructive --merge=destructive --keep=destructive -p=unknown --patch=unknown
      --pathspec-from-file=file
git clean | destructive | any | | deletes files that git does not know
git clean -n, git clean --dry-run, git clean -nd, git clean -ndx, git clean -dn, git clean -nfd, git clean -nx,
    git clean -ndX | read | text
    | -i=destructive --interactive=destructive
git merge, git cherry-pick, git revert | local | text
    | -s=strategy --strategy=strategy -X=value --strategy-option=value -m=plain --message=plain -F=file
      --file=file -e=unknown --edit=unknown --into-name=value --cleanup=value
git rebase | local | text
    | -x=unknown --exec=unknown -i=unknown --interactive=unknown --edit-todo=unknown --onto=value -s=strategy
      --strategy=strategy -X=value --strategy-option=value --root=destructive --whitespace=value --empty=value
git apply, git am | local | works
    | --directory=value --include=value --exclude=value -C=value -p=value --whitespace=value -i=unknown
      --interactive=unknown --unsafe-paths=destructive --build-fake-ancestor=write --empty=value
git fetch, git pull | local | remote
    | --upload-pack=unknown -u=local --exec=unknown --recurse-submodules=unknown -f=destructive
      --force=destructive --set-upstream=local -p=local --prune=local --prune-tags=destructive -P=destructive
      --depth=value --deepen=value --shallow-since=value --shallow-exclude=value -o=value --server-option=value
      --refmap=unknown -j=value --jobs=value -s=strategy --strategy=strategy -X=value --strategy-option=value
      --negotiation-tip=value --filter=value --stdin=unknown --rebase=local -r=local --all=local
      --multiple=unknown
git ls-remote | read | remote | --upload-pack=unknown --exec=unknown -o=value --server-option=value --sort=value
git remote, git remote -v, git remote show, git remote get-url, git remote --verbose | read | text |
git remote add, git remote set-url, git remote remove, git remote rm, git remote rename, git remote prune, git
    remote update, git remote set-head, git remote set-branches | outward | any |
    | changes where code is sent to or fetched from
git push | outward | push
    | -f=destructive --force=destructive --force-with-lease=destructive --force-if-includes=destructive
      --mirror=destructive --delete=destructive -d=destructive --prune=destructive --receive-pack=unknown
      --exec=unknown | sends commits to another repository
git push --dry-run, git push -n | read | remote
    | --receive-pack=unknown --exec=unknown -o=value --push-option=value --repo=unknown
      --recurse-submodules=unknown -f=read --force=read
git clone | outward | any
    | --upload-pack=unknown -u=unknown -c=unknown --config=unknown --template=unknown
    | fetches code from another machine
git config | read | gitconfig | -f=file --file=file --blob=value --type=value --default=value
git worktree list | read | text |
git worktree lock, git worktree unlock, git worktree repair, git worktree prune | local | text | --expire=value
git worktree add, git worktree move | local | worktree
    | -b=value -B=destructive -f=destructive --force=destructive --reason=value --orphan=value --expire=value
git worktree remove | local | text | -f=destructive --force=destructive
git submodule status, git submodule summary | read | text |
git submodule init, git submodule sync | local | text |
git submodule, git submodule update, git submodule add, git submodule foreach, git submodule deinit, git
    submodule set-url | outward | any | | fetches or runs code of other repositories
git bisect start, git bisect good, git bisect bad, git bisect reset, git bisect skip, git bisect log, git bisect
    new, git bisect old, git bisect terms | local | text
git notes list, git notes show | read | text |
git notes remove, git notes prune | destructive | any | | takes notes away
git notes | local | text | -F=file -f=destructive
git hash-object | local | works |
git init | local | makes
    | --template=unknown --separate-git-dir=unknown -b=value --initial-branch=value --shared=unknown
git maintenance | unknown | any | | may have the machine run git by itself
git gc, git repack, git pack-refs, git maintenance run, git commit-graph, git multi-pack-index, git update-index,
    git write-tree, git commit-tree, git mktree, git mktag, git sparse-checkout, git rerere
    | local | text
    | --prune=destructive --aggressive=local -a=local -d=local -D=local
git read-tree | local | text | -u=destructive --reset=destructive -m=local
git archive | local | revisions
    | -o=write --output=write --remote=unknown --exec=unknown --add-file=file --format=value --prefix=value
git format-patch | local | text
    | -o=write --output-directory=write --output=write --to=value --cc=value --add-header=value
      --signature-file=file
git bundle verify, git bundle list-heads | read | files |
git bundle create | local | makes |
git lfs ls-files, git lfs status, git lfs env, git lfs track | read | text |
git lfs pull, git lfs fetch, git lfs checkout | local | text |
git filter-branch, git filter-repo, git update-ref, git symbolic-ref, git replace, git prune, git prune-packed,
    git pack-redundant, git fast-import, git checkout-index, git unpack-objects, git lost-found, git quiltimport,
    git rerere clear, git rerere forget | destructive | any | | rewrites history or deletes objects
git symbolic-ref HEAD, git symbolic-ref --short | read | text | -d=destructive --delete=destructive
git send-email, git imap-send, git http-push, git daemon, git svn, git p4, git cvsimport, git cvsserver, git
    request-pull, git instaweb, git lfs push, git upload-pack, git receive-pack, git shell, git fetch-pack, git
    send-pack | outward | any | | talks to other machines
git credential, git credential-store, git credential-cache, git credential-manager | secrets | any |
    | hands out passwords

gh | outward | any | -R=value --repo=value | acts on GitHub
gh pr view, gh pr list, gh pr diff, gh pr checks, gh pr status, gh issue view, gh issue list, gh issue status,
    gh run view, gh run list, gh run watch, gh repo view, gh repo list, gh release view, gh release list, gh
    workflow view, gh workflow list, gh label list, gh search code, gh search commits, gh search issues, gh search
    prs, gh search repos, gh gist list, gh gist view, gh status, gh cache list, gh variable list, gh variable get,
    gh secret list, gh extension list, gh extension search, gh alias list, gh project list, gh project view, gh
    project item-list, gh project field-list, gh ruleset list, gh ruleset view, gh ruleset check, gh org list, gh
    ssh-key list, gh gpg-key list, gh codespace list, gh attestation verify, gh milestone list, gh version, gh help,
    gh repo deploy-key list, gh auth status | read | text
    | -w=unknown --web=unknown -t=value --template=value -q=value --jq=value --json=value --show-token=secrets
      -R=value --repo=value
gh auth status -t, gh auth status --show-token, gh auth token | secrets | any | | shows a token
gh auth | secrets | any | | changes who one is signed in as
gh run download, gh release download | local | text
    | -D=write --dir=write -O=write --output=write -n=value -p=value -R=value --repo=value --pattern=value
      --name=value -A=value
gh pr checkout | local | text | -f=destructive --force=destructive -b=value --branch=value -R=value --repo=value
gh api | read | ghapi |
gh pr merge, gh pr close, gh repo delete, gh repo archive, gh repo rename, gh release delete, gh release
    delete-asset, gh issue delete, gh issue close, gh run delete, gh run cancel, gh cache delete, gh secret delete,
    gh variable delete, gh label delete, gh gist delete, gh workflow disable, gh codespace delete
    | destructive | any | | ends or deletes something on GitHub
gh secret set, gh variable set | secrets | any | | changes what the build servers know
glab, hub, tea, az repos | outward | any | | acts on the shared repository
glab mr view, glab mr list, glab mr diff, glab issue view, glab issue list, glab ci status, glab ci view, glab
    ci list, glab repo view, glab pipeline list | read | text
    | -w=unknown --web=unknown -R=value --repo=value
svn, hg, bzr, jj, sl, p4, cvs, fossil | unknown | any | | is a version control whose commands are not read
svn info, svn log, svn diff, svn status, svn blame, svn ls, hg status, hg log, hg diff, hg annotate, hg id, hg
    summary, jj log, jj status, jj diff, jj show | read | text
    | --config=unknown --config-toml=unknown --config-file=unknown --diff-cmd=unknown --tool=unknown -T=value
      -r=value
"""
