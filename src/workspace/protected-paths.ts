/**
 * Files that other programs on the host run or obey: git, editors, shells, Claude Code itself. What
 * an agent writes there would run outside its container later (threat H1).
 */
const patterns = [
  /(^|\/)\.git(\/|$)/,
  /(^|\/)\.git(modules|attributes)$/,
  /(^|\/)\.envrc$/,
  /(^|\/)\.(vscode|idea|devcontainer|husky)(\/|$)/,
  /(^|\/)\.devcontainer\.json$/,
  /(^|\/)\.claude\/(settings[^/]*\.json|hooks(\/|$))/,
  /(^|\/)\.mcp\.json$/,
]

/** Whether a path relative to the workspace names one of those files. Letter case does not matter. */
export function isProtectedPath(path: string): boolean {
  const lower = path.toLowerCase()
  return patterns.some(pattern => pattern.test(lower))
}
