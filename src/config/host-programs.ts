/** When a program of the host runs what a file asks for. */
export type HostProgramTime =
  /** As soon as the program is used in the folder. */
  | 'by itself'
  /** After a question; for some programs, the answer then holds for all later contents. */
  | 'after a yes'
  /** When a user starts that command. */
  | 'on a command'

/** How such a file is guarded. */
export type HostFileGuard =
  /** Read-only for the agent in a mounted folder; an empty folder takes its place where it is missing. */
  | 'mounted'
  /** Read-only where it exists; moved away at the end of the session if it appears. */
  | 'moved'
  /** Read-only where it exists; a person approves its content before it takes effect. */
  | 'approved'
  /** Writable, and told after the session. `apply` withholds it. */
  | 'withheld'
  /** Writable, and told after the session. */
  | 'told'

export type HostProgram = {
  /** Names in any folder, in lower case. `x/` is everything in a folder `x`, and `*` a part of a name. */
  files: string
  program: string
  when: HostProgramTime
  guard: HostFileGuard
}

/**
 * The files that programs of the host run or obey (threats H1, H6). Guards other than `told` are for
 * programs that run the content without a question, or that ask once for a folder. Only at the top of a
 * folder are files read-only or moved.
 */
export const hostPrograms = [
  { files: '.git/', program: 'git', when: 'by itself', guard: 'mounted' },
  { files: '.gitattributes .gitmodules', program: 'git', when: 'by itself', guard: 'withheld' },
  { files: '.envrc', program: 'direnv', when: 'after a yes', guard: 'mounted' },
  { files: '.vscode/', program: 'Visual Studio Code', when: 'after a yes', guard: 'mounted' },
  { files: '.idea/', program: 'JetBrains editors', when: 'after a yes', guard: 'mounted' },
  {
    files: '.devcontainer/',
    program: 'Dev Containers',
    when: 'after a yes',
    guard: 'mounted',
  },
  {
    files: '.devcontainer.json',
    program: 'Dev Containers',
    when: 'after a yes',
    guard: 'moved',
  },
  { files: '.claude/', program: 'Claude Code', when: 'after a yes', guard: 'mounted' },
  { files: '.mcp.json', program: 'Claude Code', when: 'after a yes', guard: 'moved' },
  { files: '.hg/', program: 'Mercurial', when: 'by itself', guard: 'moved' },
  { files: '.jj/', program: 'Jujutsu', when: 'by itself', guard: 'moved' },
  { files: '.cursor/', program: 'Cursor', when: 'by itself', guard: 'moved' },
  { files: '.windsurf/', program: 'Windsurf', when: 'by itself', guard: 'moved' },
  { files: '.kiro/', program: 'Kiro', when: 'by itself', guard: 'moved' },
  { files: '.zed/', program: 'Zed', when: 'after a yes', guard: 'moved' },
  { files: '.helix/', program: 'Helix', when: 'by itself', guard: 'moved' },
  { files: '.gemini/', program: 'Gemini CLI', when: 'by itself', guard: 'moved' },
  { files: '.qwen/', program: 'Qwen Code', when: 'by itself', guard: 'moved' },
  { files: '.codex/', program: 'Codex CLI', when: 'after a yes', guard: 'moved' },
  {
    files: '.opencode/ opencode.json opencode.jsonc',
    program: 'opencode',
    when: 'by itself',
    guard: 'moved',
  },
  { files: 'crush.json .crush.json', program: 'Crush', when: 'by itself', guard: 'moved' },
  { files: '.aider.conf.yml', program: 'aider', when: 'by itself', guard: 'moved' },
  { files: '.continue/', program: 'Continue', when: 'by itself', guard: 'moved' },
  { files: '.roo/', program: 'Roo Code', when: 'after a yes', guard: 'moved' },
  { files: '.amazonq/', program: 'Amazon Q', when: 'by itself', guard: 'moved' },
  {
    files: 'claude-secure.config.json claude-run.config.json claude-sandbox.config.json',
    program: 'claude-secure',
    when: 'after a yes',
    guard: 'approved',
  },
  { files: '.husky/', program: 'git, by Husky', when: 'by itself', guard: 'withheld' },
  {
    files: `lefthook.* .lefthook.* lefthook-local.* .lefthook-local.* .pre-commit-config.* .overcommit.yml
      .lintstagedrc* .huskyrc* .commitlintrc* .githooks/ .lfsconfig`,
    program: 'hooks of git, where they are installed',
    when: 'by itself',
    guard: 'told',
  },
  {
    files: `.exrc .nvimrc .nvim.lua .vimrc .lvimrc .dir-locals.el .sublime-project *.sublime-project
      *.code-workspace .fleet/ .run/ .vs/ .nova/ .theia/`,
    program: 'editors',
    when: 'after a yes',
    guard: 'told',
  },
  {
    files: `.pylintrc pylintrc .rubocop.yml .solargraph.yml .eslintrc.js .eslintrc.cjs .eslintrc.mjs
      .prettierrc.js .prettierrc.cjs .prettierrc.mjs .babelrc.js .babelrc.cjs .babelrc.mjs
      .stylelintrc.js .stylelintrc.cjs .stylelintrc.mjs`,
    program: 'linters and formatters, also of editors',
    when: 'by itself',
    guard: 'told',
  },
  {
    files: `claude.md claude.local.md agents.md gemini.md .cursorrules .windsurfrules .clinerules/
      .cline/ .roomodes .rules .agents/ .augment/ .junie/ .factory/ .goosehints .goose/
      .trae/ .copilot/ copilot-instructions.md`,
    program: 'agents, as instructions',
    when: 'by itself',
    guard: 'told',
  },
  {
    files: `.pdbrc .irbrc .pryrc .rprofile .renviron .octaverc .ghci .iex.exs .ocamlinit .gdbinit .lldbinit
      sitecustomize.py usercustomize.py .bazelrc .npmrc .yarnrc .yarnrc.yml .pnpmfile.cjs bunfig.toml
      .cargo/config .cargo/config.toml .mvn/ .sbtopts .jvmopts .yarn/releases/ .yarn/plugins/ .rspec
      .mocharc.js .mocharc.cjs .env .tool-versions mise.toml .mise.toml .mise/ devenv.nix`,
    program: 'interpreters, debuggers and package managers',
    when: 'on a command',
    guard: 'told',
  },
  {
    files: `package.json makefile gnumakefile *.mk justfile .justfile taskfile.yml taskfile.yaml rakefile
      gemfile *.gemspec cmakelists.txt meson.build sconstruct wscript configure configure.ac build.rs
      cargo.toml build.zig go.work setup.py setup.cfg pyproject.toml conftest.py noxfile.py tox.ini tasks.py dodo.py
      fabfile.py build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradlew gradle/wrapper/
      mvnw pom.xml build.sbt build.sc build.xml mix.exs rebar.config package.swift directory.build.props
      directory.build.targets *.csproj *.fsproj module.bazel build.bazel workspace.bazel composer.json
      deno.json deno.jsonc turbo.json nx.json pnpm-workspace.yaml gulpfile.* gruntfile.* *.config.js
      *.config.cjs *.config.mjs *.config.ts *.config.cts *.config.mts karma.conf.js dangerfile* fastfile
      podfile guardfile capfile brewfile procfile vagrantfile tiltfile earthfile skaffold.yaml flake.nix
      shell.nix default.nix .tmuxinator.yml`,
    program: 'build tools',
    when: 'on a command',
    guard: 'told',
  },
  {
    files: `dockerfile* containerfile* *.dockerfile compose*.yml compose*.yaml docker-compose*.yml
      docker-compose*.yaml`,
    program: 'container engines',
    when: 'on a command',
    guard: 'told',
  },
  {
    files: `.github/workflows/ .github/actions/ .gitea/ .forgejo/ .gitlab-ci.yml .circleci/ .buildkite/
      .woodpecker/ .woodpecker.yml .travis.yml .drone.yml jenkinsfile azure-pipelines.yml appveyor.yml
      bitrise.yml bitbucket-pipelines.yml cloudbuild.yaml`,
    program: 'CI, after a push',
    when: 'on a command',
    guard: 'told',
  },
] as const satisfies readonly HostProgram[]

/** The names of a row without the slash of folders, in its order. */
export function namesOf({ files }: Pick<HostProgram, 'files'>): string[] {
  return files.split(/\s+/).map(name => name.replace(/\/$/, ''))
}
