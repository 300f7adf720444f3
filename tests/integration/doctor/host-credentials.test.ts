import t from 'tap'
import { askedOfHost } from '../../../src/credentials/asked.ts'
import { findHostCredentials, judgeHostCredentials } from '../../../src/doctor/host-credentials.ts'

const secret = 'SENTINEL-0123456789'
const noKey = () => Promise.reject(new Error('git has no key'))
const app = { host: 'git.corp.test', path: 'me/app', push: true }

t.test('tokens and logins of the host are named with their use, and never shown', async t => {
  const home = t.testdir({
    '.claude': { '.credentials.json': JSON.stringify({ accessToken: secret }) },
    '.claude.json': JSON.stringify({ primaryApiKey: secret }),
    '.aws': { credentials: `[default]\naws_secret_access_key=${secret}\n` },
    '.config': { gcloud: { 'application_default_credentials.json': secret } },
    '.netrc': `machine git.corp.test login ada password ${secret}\n`,
  })
  const asked = askedOfHost({ PATH: '/nowhere', HOME: home, GH_TOKEN: secret })
  const found = await findHostCredentials([app], asked, async () => ({ what: 'the ssh key ~/id' }))
  const checks = judgeHostCredentials(found, [app])
  t.match(
    checks.map(({ id, severity, message }) => `${id} ${severity}: ${message}`),
    [
      /^credential-forge note: GH_TOKEN of the environment: token for github\.com, used on this host when/,
      /^credential-forge note: ~\/\.netrc: token for git\.corp\.test.*by the gateway for git\.corp\.test\/me\/app; no agent/,
      /^credential-signing note: the ssh key ~\/id: signs commits on this host/,
      /^credential-host note: Claude Code on this host is logged in/,
      /^credential-host note: Claude Code on this host has an API key/,
      /^credential-host note: AWS profiles/,
      /^credential-host note: the login of gcloud/,
    ],
  )
  t.notMatch(JSON.stringify([found, checks]), /SENTINEL/)
})

t.test('a listed repository without a token is a warning', async t => {
  const asked = askedOfHost({ PATH: '/nowhere', HOME: t.testdir({}) })
  const found = await findHostCredentials([app], asked, noKey)
  t.match(judgeHostCredentials(found, [app]), [
    {
      severity: 'warning',
      message:
        'GIT_REPOSITORIES lists git.corp.test/me/app, but there is no token for git.corp.test',
    },
  ])
  t.same(judgeHostCredentials(found, []), [])
})
