import t from 'tap'
import { parseCustomEnvironment } from '../../../src/config/custom-environment.ts'

const parse = (values: Record<string, string>) => parseCustomEnvironment(values, ['sk-ant-real'])

t.test('names and values of the user are passed on as they are', async t => {
  const values = { API_URL: 'http://x/?a=$b', _x1: 'two words', CLAUDE_CODE_MAX_OUTPUT_TOKENS: '9' }
  t.same(parse(values), values)
})

for (const name of [
  ...['ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL', 'ANTHROPIC_CUSTOM_HEADERS', 'anthropic_model'],
  ...['CLAUDE_CODE_OAUTH_TOKEN', 'CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST'],
  ...['CLAUDE_CONFIG_DIR', 'CLAUDE_SECURE_SESSION', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY'],
  ...['ALL_PROXY', 'NODE_OPTIONS', 'NODE_TLS_REJECT_UNAUTHORIZED', 'NODE_EXTRA_CA_CERTS'],
  ...['LD_PRELOAD', 'LD_LIBRARY_PATH', 'BASH_ENV', 'PATH', 'HOME', 'RUNNER_TOKEN_FILE', 'TMUX'],
  ...['PERL5OPT', 'PERL5LIB', 'PERLLIB', 'OPENSSL_CONF', 'OPENSSL_MODULES', 'GCONV_PATH'],
  ...['NODE_PATH', 'NODE_COMPILE_CACHE', 'NODE_V8_COVERAGE'],
]) {
  t.test(`${name} would undo a control, and is refused with the reason`, async t => {
    t.throws(() => parse({ [name]: 'x' }), {
      message: new RegExp(`^CLAUDE_ENV_${name} is refused: it `),
      hint: /docs\/additions\.md/,
    })
  })
}

t.test('a name that is none is refused', async t => {
  for (const name of ['1X', 'a.b', 'a-b', 'x'.repeat(129)]) {
    t.throws(() => parse({ [name]: 'x' }), { message: /not a valid name/ }, name)
  }
})

t.test('the real credential is refused under any name, and not shown', async t => {
  const error = t.throws(() => parse({ BACKUP: 'key: sk-ant-real' }), {
    message: /CLAUDE_ENV_BACKUP contains the credential/,
  })
  t.notMatch(String(error), /sk-ant-real/)
})

t.test('a value with NUL or of boundless size is refused', async t => {
  for (const value of ['a\0b', '\x1b[2J', 'x'.repeat(32 * 1024 + 1)]) {
    t.throws(() => parse({ X: value }), { message: /the value of CLAUDE_ENV_X contains/ })
  }
})

t.test('every refused variable is named at once', async t => {
  t.throws(() => parse({ PATH: '/x', OK: '1', HTTPS_PROXY: 'x', '1X': '' }), {
    message: /^3 errors: .*CLAUDE_ENV_PATH.*CLAUDE_ENV_HTTPS_PROXY.*CLAUDE_ENV_1X/,
  })
})
