import t from 'tap'
import { loadSettings } from '../../../src/config/load-settings.ts'
import { refuseUpstreams } from '../../../src/config/refused-upstreams.ts'

/** Loads the settings and judges them, as `start` does. */
async function judge(file: string, env: NodeJS.ProcessEnv = {}) {
  const root = t.testdir({ '.env': file })
  // As `start` has it: loading takes the secrets out of the environment.
  const given = { ...env }
  const settings = await loadSettings(root, given)
  await refuseUpstreams(settings, root, given)
  return settings
}

t.test('a variable for an upstream that is not supported is refused', async t => {
  for (const name of ['CLAUDE_CODE_USE_FOUNDRY', 'ANTHROPIC_BEDROCK_BASE_URL']) {
    await t.rejects(judge('', { [name]: '1' }), {
      message: `environment: ${name} is set, and claude-secure does not support it`,
      hint: /unset .*docs\/credentials\.md/,
    })
  }
})

t.test(
  'a part without its upstream is refused in .env, and in the shell if it is meant',
  async t => {
    await t.rejects(judge('AWS_REGION=us-east-1\n'), {
      message: /\.env: AWS_REGION has no effect without CLAUDE_CODE_USE_BEDROCK=1/,
      hint: 'set CLAUDE_CODE_USE_BEDROCK=1 as well, or remove AWS_REGION',
    })
    await t.rejects(judge('GOOGLE_APPLICATION_CREDENTIALS=/k.json\n'), {
      message: /without CLAUDE_CODE_USE_VERTEX=1/,
    })
    await t.rejects(judge('', { ANTHROPIC_AUTH_TOKEN: 'a-bearer-token-here' }), {
      message: 'environment: ANTHROPIC_AUTH_TOKEN has no effect without ANTHROPIC_BASE_URL',
    })
    const shell = {
      AWS_REGION: 'not a region',
      AWS_SECRET_ACCESS_KEY: 'of-another-program',
      GOOGLE_APPLICATION_CREDENTIALS: 'relative.json',
    }
    const settings = await judge('', shell)
    t.equal(settings.AWS_SECRET_ACCESS_KEY, undefined, 'those of other programs are left out')
  },
)

t.test(
  'with their upstream they are settings; an access key comes whole from one place',
  async t => {
    const file =
      'CLAUDE_CODE_USE_BEDROCK=1\nAWS_REGION=us-east-1\nAWS_SESSION_TOKEN=of-the-file-000000\n'
    const env = {
      AWS_ACCESS_KEY_ID: 'AKIAOFTHESHELL00',
      AWS_SECRET_ACCESS_KEY: 'secret-of-the-shell',
    }
    const settings = await judge(file, env)
    t.match(settings, { AWS_REGION: 'us-east-1', AWS_SECRET_ACCESS_KEY: 'secret-of-the-shell' })
    t.equal(settings.AWS_SESSION_TOKEN, undefined)
  },
)
