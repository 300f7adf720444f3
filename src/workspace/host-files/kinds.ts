import { isRecord } from '../../base/json.ts'

/** Names of files that run on the host on request, or that tell an agent there what to run. */
const names = new Set(
  `package.json makefile gnumakefile justfile .justfile taskfile.yml taskfile.yaml rakefile gemfile
  cmakelists.txt build.rs cargo.toml setup.py setup.cfg pyproject.toml conftest.py noxfile.py tox.ini
  tasks.py sitecustomize.py build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradlew
  mvnw pom.xml jenkinsfile .gitlab-ci.yml .travis.yml .drone.yml azure-pipelines.yml
  bitbucket-pipelines.yml .pre-commit-config.yaml lefthook.yml .lefthook.yml .npmrc .yarnrc .yarnrc.yml
  .pnpmfile.cjs pnpm-workspace.yaml procfile vagrantfile gulpfile.js gruntfile.js .envrc .env
  .tool-versions mise.toml .mise.toml flake.nix shell.nix default.nix .bazelrc .exrc .nvimrc .nvim.lua
  .vimrc .dir-locals.el .gdbinit .lldbinit .gitattributes .gitmodules .lfsconfig .mcp.json
  claude-secure.config.json claude-run.config.json claude-sandbox.config.json
  .devcontainer.json claude.md claude.local.md agents.md gemini.md`.split(/\s+/),
)

const patterns = [
  /\.(mk|code-workspace|dockerfile|gemspec)$/,
  /(^|\/)(dockerfile|containerfile)[^/]*$/,
  /(^|\/)(docker-)?compose[^/]*\.ya?ml$/,
  /(^|\/)(\.eslintrc|\.prettierrc|\.babelrc)\.[cm]?js$/,
  /\.config\.[cm]?[jt]s$/,
  /(^|\/)\.(vscode|idea|devcontainer|claude|husky|cursor|zed|mvn|circleci|githooks)(\/|$)/,
  /(^|\/)\.cargo\/config(\.toml)?$/,
  /(^|\/)\.github\/(workflows|actions)\//,
  /(^|\/)\.yarn\/(releases|plugins)\//,
  /(^|\/)gradle\/wrapper\//,
]

/** Returns whether a workspace file is checked: a known name, or an executable at the top level. */
export function isHostFile(path: string, options: { executable: boolean }): boolean {
  const lower = path.toLowerCase()
  const name = lower.slice(lower.lastIndexOf('/') + 1)
  if (names.has(name) || patterns.some(pattern => pattern.test(lower))) return true
  return !path.includes('/') && (options.executable || name.endsWith('.sh'))
}

/** Generated folders: a command that the user runs creates their contents. */
export const skippedFolders = new Set(['node_modules', '__pycache__', '.venv', '.tox'])

/** Parts of a package.json that determine what runs on install, build or start. */
const running =
  /^(bin|main|exports|imports|type|workspaces|packageManager|.*[dD]ependencies|overrides|resolutions|pnpm|gypfile|config|husky|lint-staged|simple-git-hooks|pre-commit|gitHooks|jest|eslintConfig|prettier|babel|browserslist)$/

/** Returns those parts by name, as text to compare, each script separately; null unless it is a JSON object. */
export function packageParts(text: string): Map<string, string> | null {
  const parts = new Map<string, string>()
  try {
    const json: unknown = JSON.parse(text)
    if (!isRecord(json)) return null
    for (const [name, value] of Object.entries(json)) {
      if (name === 'scripts' && isRecord(value)) {
        for (const [script, line] of Object.entries(value)) {
          parts.set(`scripts.${script}`, JSON.stringify(line))
        }
      } else if (name === 'scripts' || running.test(name)) parts.set(name, JSON.stringify(value))
    }
    return parts
  } catch {
    return null
  }
}
