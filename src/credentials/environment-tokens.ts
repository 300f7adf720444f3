import { type ForgeToken, isToken } from './forge-token.ts'

/** A variable, the host that its token is for, and the user name that this host expects beside it. */
type Variable = { name: string; host: (env: NodeJS.ProcessEnv) => string | null; user: string }

/** User names that GitHub and GitLab expect beside a token. */
export const tokenUsers = { github: 'x-access-token', gitlab: 'oauth2' } as const

const enterprise = (env: NodeJS.ProcessEnv) => hostOf(env.GH_HOST)

/** In the order of the programs that define them: gh, glab, tea. */
const variables: readonly Variable[] = [
  { name: 'GH_TOKEN', host: () => 'github.com', user: tokenUsers.github },
  { name: 'GITHUB_TOKEN', host: () => 'github.com', user: tokenUsers.github },
  { name: 'GH_ENTERPRISE_TOKEN', host: enterprise, user: tokenUsers.github },
  { name: 'GITHUB_ENTERPRISE_TOKEN', host: enterprise, user: tokenUsers.github },
  {
    name: 'GITLAB_TOKEN',
    host: env => (env.GITLAB_HOST ? hostOf(env.GITLAB_HOST) : 'gitlab.com'),
    user: tokenUsers.gitlab,
  },
  // Gitea has no host of its own: without a name, the token could go to any.
  { name: 'GITEA_TOKEN', host: env => hostOf(env.GITEA_SERVER_URL), user: tokenUsers.gitlab },
]

/** Returns the tokens of the environment, each with its host; the first of a host takes precedence. */
export function environmentTokens(env: NodeJS.ProcessEnv): ForgeToken[] {
  return variables.flatMap(({ name, host, user }) => {
    const token = env[name]?.trim()
    const found = host(env)
    if (found === null || !isToken(token)) return []
    return [{ host: found, user, token, source: `${name} of the environment` }]
  })
}

/** Returns the host of a name or URL, as these programs take both; null when it is neither. */
function hostOf(text: string | undefined): string | null {
  if (!text) return null
  const url = text.includes('://') ? text : `https://${text}`
  return URL.canParse(url) ? new URL(url).host : null
}
