"""Builds, tests, linters and package managers. How to read the lines: `policies/shell/table.py`."""

LINES = r"""
# -- JavaScript
npm, pnpm, bun | unknown | any
    | --prefix=dir -C=dir --dir=dir --cwd=dir --filter=value -F=value -w=value --workspace=value
      --registry=unknown --userconfig=unknown --globalconfig=unknown --script-shell=unknown --node-options=unknown
      -g=unknown --global=unknown -s=read --silent=read -r=read --recursive=read --if-present=read -ws=read
      --workspaces=read --loglevel=value --config=unknown | is a command of the package manager that is not known
yarn | local | noneor | --cwd=dir --registry=unknown --use-yarnrc=unknown --modules-folder=write | adds a package
npm init, npm ci, npm clean-install, npm install, npm i, pnpm install, pnpm i, yarn install, bun install,
    npm prune, npm dedupe, pnpm prune, pnpm dedupe, pnpm fetch, npm rebuild, npm install-ci-test, npm it, npm cit
    | local | noneor | | adds a package, whose install scripts run
npm test, npm t, npm start, npm stop, npm restart, pnpm test, pnpm t, pnpm start, yarn test, yarn start, bun
    test | local | tool
npm run, npm run-script, pnpm run, yarn run, bun run, npm exec, pnpm exec, yarn exec, pnpm dlx, yarn dlx, bun x,
    bunx, npx, pnpx | local | runs
npm ls, npm list, npm ll, npm la, npm outdated, npm view, npm info, npm show, npm v, npm search, npm explain,
    npm why, npm audit, npm fund, npm doctor, npm root, npm bin, npm prefix, npm ping, npm docs, npm help, npm
    help-search, npm query, npm diff, npm repo, npm bugs, npm whoami, npm config list, npm config
    ls, npm run --list, npm pkg get, npm cache ls, npm cache verify, npm sbom, npm owner ls, npm dist-tag
    ls, npm access list, npm team ls, npm org ls, npm profile get, pnpm ls, pnpm list, pnpm ll, pnpm outdated, pnpm
    why, pnpm view, pnpm info, pnpm root, pnpm bin, pnpm audit, pnpm licenses, pnpm config list,
    pnpm store path, yarn info, yarn list, yarn why, yarn outdated, yarn audit, yarn npm audit, yarn npm info, yarn
    config list, yarn workspaces list, yarn workspaces info, yarn licenses, yarn constraints, bun
    pm ls, bun pm, bun outdated | read | text
    | --fix=unknown --browser=unknown
npm config get, npm get, pnpm config get, yarn config get | read | setting |
npm publish --dry-run, npm pack --dry-run, pnpm publish --dry-run, pnpm pack --dry-run, bun publish --dry-run,
    yarn npm publish --dry-run | read | dryrun
    | --tag=value --access=value
npm pack, pnpm pack, yarn pack, npm version, pnpm version, yarn version, npm pkg fix, npm pkg
    delete, npm shrinkwrap, npm uninstall, npm remove, npm rm, npm un, pnpm remove, pnpm rm, pnpm uninstall, yarn
    remove, bun remove, bun rm, pnpm rebuild, pnpm import, npm cache clean, yarn cache clean, pnpm store prune, bun
    build, bun init, pnpm build, pnpm lint, yarn build, yarn lint, pnpm dev, yarn dev, pnpm typecheck, yarn
    typecheck, pnpm format, yarn format, pnpm check, yarn check, pnpm coverage, yarn coverage | local | scripts
yarn workspace, yarn workspaces | local | workspace |
npm publish, pnpm publish, yarn publish, yarn npm publish, bun publish, npm unpublish, npm deprecate, npm
    dist-tag, npm access, npm owner, npm team, npm org, npm star, npm hook, npm undeprecate, lerna publish,
    changeset publish, semantic-release, release-it, np | outward | any | | publishes to a registry
npm login, npm adduser, npm logout, npm token, npm profile, yarn npm login, pnpm login, yarn login | secrets | any |
    | changes who one is signed in as
npm pkg set, npm add, npm update, npm up, npm upgrade, npm link, npm audit fix, pnpm add, pnpm update, pnpm up, pnpm link,
    pnpm audit --fix, yarn add, yarn up, yarn upgrade, yarn link, yarn global, bun add, bun update, bun link, bun
    upgrade, bun create, npm create, pnpm create, yarn create, npm config set, npm config delete, npm config edit,
    npm set, npm edit, npm explore, pnpm setup, pnpm env, pnpm self-update, yarn set, yarn plugin, corepack, nvm,
    fnm, volta, n | unknown | any | | changes which code is installed
tsc, eslint, prettier, biome, jest, vitest, mocha, ava, tap, nyc, c8, karma, cypress run, playwright test,
    playwright show-report, rollup, webpack, esbuild, swc, parcel build, vite, vite build, vite preview, next build,
    next lint, next dev, nuxt build, astro build, astro check, svelte-check, vue-tsc, tsup, tsd,
    turbo, nx, lerna run, lerna list, markdownlint, markdownlint-cli2, remark, stylelint, htmlhint, cspell, knip,
    depcheck, madge, size-limit, publint, attw, oxlint, dprint, standard, xo, rome, tslint, nodemon, npm-run-all,
    storybook build, typedoc, jsdoc, api-extractor, graphql-codegen, openapi-typescript, json-schema-to-typescript,
    changeset status, changeset version, commitlint, lint-staged, ncu, npm-check-updates, serve, http-server, vale,
    wrangler whoami, wrangler types, tailwindcss, postcss, sass, babel, uglifyjs, terser, svgo, prisma format,
    prisma validate, prisma generate, drizzle-kit check, drizzle-kit generate, expo-doctor, react-native doctor,
    autoprefixer, browserslist, license-checker, source-map-explorer, bundlesize, gulp, grunt | local | tool
    | -o=write --outfile=write --out-file=write --outDir=write --outdir=write --output=write -c=script
      --config=script --rulesdir=script --require=script -r=script --import=script --loader=script --plugin=script
      --resolve-plugins-relative-to=script --setupFiles=script --globalSetup=script --exec=unknown -x=unknown
      --cwd=dir --root=dir -p=script --project=script --reporter=value --fix=local --parser=value
      --fix-dry-run=read --ext=value --update=local -u=local -t=value --testNamePattern=value --runner=script
      --environment=plain --transform=unknown
prisma, drizzle-kit, vercel, netlify, firebase, surge, gh-pages, expo, eas, sst, serverless, sls, amplify, cdk,
    cap, ionic, shopify, hardhat, truffle, forge, heroku, fly, railway, render, supabase, convex, sentry-cli,
    codecov, coveralls, snyk, chromatic, percy, sanity, contentful | outward | any |
    | deploys, or talks to a service
node | local | node |
tsx, ts-node | local | script
    | -e=unknown --eval=unknown -p=unknown --print=unknown -i=unknown --interactive=unknown -r=script
      --require=script --import=script --loader=script --tsconfig=script --project=script --cwd=dir -O=value
deno | unknown | any | | runs code from anywhere
deno test, deno fmt, deno lint, deno check, deno bench, deno doc, deno info, deno types | local | tool
    | -A=local --config=script -c=script --import-map=script --location=value --reload=unknown -r=unknown

# -- Python
python, python2, python3, pypy, pypy3, py | local | python |
pip, pip3 | unknown | any
    | --python=script --proxy=unknown --cert=unknown --log=write | changes which code is installed
pip list, pip show, pip freeze, pip check, pip help, pip debug, pip inspect, pip cache list, pip cache dir, pip
    cache info, pip config list, pip index versions, pip3 list, pip3 show, pip3 freeze, pip3 check, uv pip list, uv
    pip show, uv pip freeze, uv pip check, uv pip tree, uv tree, uv version, uv python list, uv python find, uv
    cache dir, uv help, poetry show, poetry check, poetry version, poetry env info, poetry env list, poetry config
    --list, pipenv graph, pipenv check, pipenv --venv, conda list, conda info, conda env list, pdm list, pdm info,
    hatch version, hatch env show, rye list, rye show | read | text
    | --index-url=unknown -i=unknown --extra-index-url=unknown --find-links=unknown -f=unknown
      --trusted-host=unknown
pip install -r, pip3 install -r, uv pip install -r, uv pip sync | local | works
    | -r=file --requirement=file -c=file --constraint=file --index-url=unknown -i=unknown
      --extra-index-url=unknown --find-links=unknown -f=unknown --trusted-host=unknown -e=unknown
      --editable=unknown -t=unknown --target=unknown --prefix=unknown --root=unknown --user=local --pre=local
      --proxy=unknown --cert=unknown --config-settings=unknown --global-option=unknown
      --break-system-packages=unknown --no-deps=local --system=unknown
uv sync, uv lock, uv venv, uv build, uv format, poetry install, poetry lock, poetry build, pipenv install,
    pipenv sync, pipenv lock, pdm sync, pdm lock, pdm install, hatch build, rye sync, rye lock, rye build, hatch env
    create | local | noneor
    | --index-url=unknown --default-index=unknown --index=unknown --extra-index-url=unknown --find-links=unknown
      --directory=dir --project=dir -C=dir --config-file=script --extra=value -E=value --with=value
      --without=value --group=value --python=value -p=value --out-dir=write | adds a package, whose code then runs
uv, poetry, pipenv, pdm, hatch, rye, conda, mamba, pipx, easy_install, pyenv, virtualenvwrapper, micromamba
    | unknown | any
    | --directory=dir --project=dir -C=dir --config-file=script | changes which code is installed
poetry publish, uv publish, twine, twine upload, flit publish, hatch publish, pdm publish, rye publish
    | outward | any | | publishes to a registry
twine check, poetry publish --dry-run, uv publish --dry-run, flit build | read | dryrun |
virtualenv | local | makes | -p=value --python=value --system-site-packages=local
pytest, py.test, unittest, tox, nox, coverage, mypy, pyright, basedpyright, pyre, pytype, ruff, flake8, pylint,
    pycodestyle, pydocstyle, black, isort, autopep8, yapf, autoflake, pyupgrade, bandit, vulture, radon,
    interrogate, sphinx-build, mkdocs build, mkdocs serve, pre-commit run, lint-imports, import-linter, ty,
    codespell, djlint, sqlfluff lint, yamllint, ansible-lint, cython, nbqa, pyflakes, doc8, hypothesis, behave,
    robot, alembic current, alembic history, alembic heads, alembic check, alembic revision, pip-audit, safety
    check, deptry, pydoc, pdoc, lektor build, jupyter nbconvert, papermill | local | tool
    | -c=script --config=script --config-file=script --rcfile=script --rootdir=dir -p=script --confcutdir=dir
      --cov-config=script --basetemp=destructive -o=setting --override-ini=setting --junitxml=write --junit-xml=write
      --html=write --output-file=write --load-plugins=script --init-hook=unknown --cache-dir=write -k=value
      -m=value --ignore=value --select=value --extend-select=value --line-length=value --target-version=value
      -n=value --maxfail=value --tb=value --cov=value --cov-report=setting --python-executable=script
      --plugin=script --cache-clear=local --pdb=unknown --trace=unknown --install-types=unknown --pastebin=outward
      --durations=value
coverage run, coverage html, coverage xml, coverage report, coverage combine, coverage erase, coverage json
    | local | tool
    | --rcfile=script -o=write -d=write --source=value -m=value
flask, uvicorn, gunicorn, hypercorn, daphne, celery, streamlit, gradio, jupyter, ipython, alembic,
    ansible-playbook, scrapy, airflow, dbt, prefect, dagster, mkdocs, invoke, fab, locust, sqlfluff, cookiecutter,
    copier | unknown | any | | starts a server or runs code that cannot be told

# -- Go, Rust, C and others
go | unknown | any | -C=dir | is a go command that is not known
go build, go test, go vet, go fmt, go fix, go generate, go tool, go doc, go list, go mod tidy, go mod download,
    go mod verify, go mod why, go mod graph, go mod vendor, go mod init, go mod edit, go work sync, go work use, go
    work init, go clean | local | gotool
    | -o=write -exec=unknown -toolexec=unknown -vettool=unknown -overlay=unknown -modfile=script -C=dir
      -coverprofile=write -cpuprofile=write -memprofile=write -blockprofile=write -mutexprofile=write -trace=write
      -outputdir=write -run=value -bench=value -tags=value -ldflags=plain -gcflags=plain -asmflags=plain
      -gccgoflags=unknown -compiler=unknown -count=value -timeout=value -mod=value -json=local -modcache=unknown
      -cache=local -testcache=local -fuzz=value -fuzztime=value -p=value -parallel=value -cpu=value
      -covermode=value -coverpkg=value -f=value -go=value -require=unknown -replace=unknown -shuffle=value
      -skip=value
go version, go env, go help, go bug, go tool cover, go tool pprof | read | text
    | -w=unknown -u=unknown -http=unknown -html=local -o=write -exec=unknown -toolexec=unknown -overlay=unknown
go run | local | gorun | -exec=unknown -toolexec=unknown -overlay=unknown -modfile=script -tags=value -ldflags=plain
go get, go install, go mod edit -replace, go mod edit -require, go work edit | unknown | any |
    | changes which code is installed
go install ./..., go install . | local | gotool | -exec=unknown -toolexec=unknown
gofmt, goimports, gofumpt, golangci-lint, golangci-lint run, staticcheck, revive, govulncheck, goreleaser check,
    goreleaser build, gotestsum, gocyclo, ineffassign, errcheck, gosec, deadcode, mockgen, stringer, wire, sqlc
    generate, sqlc vet, buf lint, buf build, buf generate, buf format, protoc, ginkgo, air -v, dlv version, gopls
    version, gci, golines | local | tool
    | -o=write -c=script --config=script -config=script --plugin=unknown --path-prefix=value
      --post-process=unknown --raw-command=unknown --exec=unknown -r=value -d=local -exec=unknown
      -toolexec=unknown --timeout=value -E=value -D=value --enable=value --disable=value -run=value
      --single-target=local --out=write
cargo | unknown | any
    | --config=unknown -C=dir --manifest-path=script -Z=unknown | is a cargo command that is not known
cargo build, cargo b, cargo test, cargo t, cargo check, cargo c, cargo clippy, cargo fmt, cargo run, cargo r,
    cargo doc, cargo d, cargo bench, cargo clean, cargo fix, cargo nextest, cargo nextest run, cargo nextest list,
    cargo llvm-cov, cargo tarpaulin, cargo expand, cargo update, cargo fetch, cargo generate-lockfile, cargo rustc,
    cargo miri, cargo insta, cargo insta test, cargo machete, cargo udeps, cargo deny, cargo deny check, cargo hack,
    cargo sort, cargo package, cargo vendor, cargo init, cargo new, cargo remove, cargo rm | local | tool
    | --config=unknown --target-dir=write --manifest-path=script -Z=unknown --open=unknown --features=value
      -F=value -p=value --package=value --bin=value --example=value --test=value --target=value --profile=value
      --exclude=value -j=value --color=value --message-format=value
cargo tree, cargo metadata, cargo search, cargo info, cargo version, cargo help, cargo pkgid, cargo
    locate-project, cargo verify-project, cargo outdated, cargo audit, cargo read-manifest | read | text
    | --config=unknown -Z=unknown
cargo publish --dry-run | read | dryrun | --config=unknown -Z=unknown
cargo publish, cargo yank, cargo owner | outward | any | | publishes to a registry
cargo login, cargo logout | secrets | any | | changes who one is signed in as
cargo install, cargo add, cargo uninstall, cargo binstall, cargo generate, rustup, cargo dist, cargo release
    | unknown | any | | changes which code is installed
rustup show, rustup toolchain list, rustup target list, rustup component list, rustup which, rustup doc --path
    | read | text
rustc, rustfmt, rust-analyzer, clippy-driver | local | tool
    | -o=write --out-dir=write -C=plain --edition=value --crate-type=value --config-path=script --emit=value
      -L=plain -Z=unknown --config=value
make, gmake, bmake | local | make |
cmake | local | tool
    | -C=script -D=plain -B=dir -S=dir --build=dir -P=script -E=unknown --install=unknown --open=unknown -G=value
      --preset=value --toolchain=script -j=value --parallel=value -t=value --target=target --config=value
      --prefix=value -T=value -A=value -U=value --workflow=local --graphviz=write --fresh=local
ctest, ninja, meson, autoreconf, autoconf, automake, aclocal, configure, qmake, premake5, pkg-config
    | local | target
    | -C=dir -f=script --test-dir=dir -S=script -SP=script -D=plain -j=value --build-and-test=unknown -R=value
      --native-file=script --cross-file=script --prefix=value -T=value
gcc, g++, cc, c++, clang, clang++, ld, as, ranlib, strip, ponyc, zig, nim, dmd, ghc, ocamlc, ocamlopt, scalac, kotlinc,
    javac, javadoc, jar, swiftc, elixirc, erlc, gfortran, nasm, yasm, fpc, nvcc, emcc, em++ | local | tool
    | -o=write -c=local -wrapper=unknown -specs=unknown -fplugin=unknown -B=unknown -Xclang=unknown -load=unknown
      -Xplugin=unknown -processorpath=script -processor=plain -J=unknown -d=write -pgmF=unknown -pgmP=unknown
      -F=plain -I=plain -L=plain -l=plain -D=plain -x=value -T=script -MF=write
cppcheck, clang-tidy, clang-format, include-what-you-use, phpunit, phpstan, psalm, php-cs-fixer, pint, rspec, rubocop,
    standardrb, minitest, sorbet, srb, busted, luacheck, stylua, shellcheck, shfmt, bats, hadolint, actionlint, zizmor,
    taplo, yamlfmt, buildifier, nixfmt, statix, deadnix, alejandra, tflint, checkov, tfsec, gitleaks, trufflehog,
    semgrep, swiftlint, swiftformat, hlint, ormolu, fourmolu, scalafmt, ktlint, detekt, checkstyle, markdownlint-cli
    | local | tool
    | -o=write --output=write -c=script --config=script --rcfile=script --rules=script -r=script --require=script
      --bootstrap=script --autoload-file=script --load=unknown --plugin=script --external-sources=local -w=local
      -i=local --format=value -f=value --style=value -p=script
ant, mill, sbt, lein, mix, rebar3, stack, cabal, dune, swift, xcodebuild, fvm, flutter, dart, dotnet, msbuild, rake,
    bundle, bazel, bazelisk, buck2, scons, pants, moon, mise, just, task, scala, pod, pre-commit, goreleaser, tuist
    | local | target
    | -e=unknown --eval=unknown --command=unknown --shell=unknown --shell-command=unknown -c=unknown -x=unknown
      --exec=unknown --run_under=unknown --script_path=write -f=script --file=script --rakefile=script
      --justfile=script -d=dir --taskfile=script --working-directory=dir --dir=dir -C=dir -cd=dir --output=write
      -r=script --require=script -lib=unknown -logger=unknown -D=plain -p=plain -j=value --configuration=value
      --framework=value -destination=value -scheme=value -project=script -workspace=script -sdk=value
      --package-path=dir --output_base=unknown --host_jvm_args=unknown --server_javabase=unknown
xcrun, direnv, asdf, devbox, earthly, dagger, tilt, skaffold, watchexec, entr, trivy, sonar-scanner, conan, vcpkg,
    gyp, xmake, cpack, fastlane, concurrently, nix-build, nox-poetry | unknown | any | | runs other programs or fetches them
node-gyp | local | target |
goreleaser release, mise publish, pod trunk, gem push, mix hex.publish, dotnet nuget, nuget push, mvn deploy,
    gradle publish, luarocks upload, dart pub, stack upload, cabal upload, opam publish, conan upload, swift
    package-registry, mise env, mise exec, mise x, mise trust, mise install, mise use, act, bundle
    install, bundle update, bundle add, mix
    deps.get, pod install, dotnet add, dotnet tool, flutter pub, swift run
    | unknown | any | | installs, publishes or runs what cannot be told
bundle exec | local | runs |
mvn, mvnw, gradle, gradlew | local | target
    | -f=script --file=script -b=script --build-file=script -p=dir --project-dir=dir -s=script --settings=script
      -c=script --settings-file=script -I=script --init-script=unknown -D=plain -P=value -pl=value
      -Dexec.executable=unknown -g=dir --gradle-user-home=unknown
java | local | script
    | -jar=script -cp=classpath -classpath=classpath --class-path=classpath -agentlib=unknown -javaagent=unknown
      -agentpath=unknown -XX=unknown
ruby, php, lua, luajit, Rscript, julia, elixir, groovy, tclsh, guile, sbcl, racket, swipl, octave | local | script
    | -e=unknown -E=unknown -r=unknown -n=unknown -p=unknown -i=unknown -x=unknown -l=unknown -I=script -M=unknown
      -m=unknown -S=unknown -s=unknown -a=unknown --run=unknown -B=unknown -R=unknown -F=unknown --eval=unknown
      --require=unknown -d=unknown -C=unknown -D=unknown
perl | read | perl |
gem, luarocks, composer, cpan, cpanm, opam, brew, port, apt, apt-get, aptitude, dpkg, rpm, yum, dnf, zypper,
    pacman, yay, apk, snap, flatpak, choco, scoop, winget, nix, nix-env, nix-shell, guix, pkg, sdk, softwareupdate,
    mas, xcode-select, conda-build, helm plugin, krew, tfenv, rbenv, gvm, ghcup, update-alternatives, installer
    | unknown | any | | changes which code is installed
brew list, brew info, brew search, brew outdated, brew deps, brew --prefix, brew config, brew doctor, apt list,
    apt show, apt search, apt-cache, apt-cache search, apt-cache show, apt-cache policy, dpkg -l, dpkg -L, dpkg -s,
    dpkg -S, dpkg --list, dpkg --status, rpm -q, rpm -qa, rpm -ql, yum list, dnf list, dnf search, pacman -Q, pacman
    -Qi, pacman -Ss, apk list, apk info, gem list, gem search, gem environment, gem which, composer show, composer
    validate, composer outdated, composer check-platform-reqs, luarocks list, nix search, snap list, flatpak list,
    port installed, winget list, winget search, winget show, choco list, scoop list, opam list, xcode-select -p,
    rbenv versions, pyenv versions, asdf list, asdf current, mise ls, mise current, mise tasks, mise doctor, nvm ls,
    nvm current, sdk list | read | text
    | -i=unknown --install=unknown -e=unknown -r=unknown -P=unknown -R=unknown -U=unknown -F=unknown
      --remove=unknown --purge=unknown --erase=unknown --sync=unknown --upgrade=unknown
bd, beads | local | text |
bd sync, bd export, bd import, bd daemon, bd compact, bd delete, bd init, bd hooks, bd migrate, bd admin, bd
    federation, bd dolt, bd sql, bd reset, bd restore, bd rename-prefix, bd config, bd setup, bd upgrade, bd mail,
    bd linear, bd jira, bd github | unknown | any | | does more than keep notes
"""
