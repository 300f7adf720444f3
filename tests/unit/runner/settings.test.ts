import t from 'tap'
import { parseRunnerSettings } from '../../../src/runner/settings.ts'

t.test('no variable is required', async t => {
  t.match(parseRunnerSettings({ PATH: '/bin' }), {
    RUNNER_FOLDER: '/run/claude-secure',
    RUNNER_RUNS: 8,
    RUNNER_WARM: 8,
  })
})

t.test('a port needs a token', async t => {
  t.throws(() => parseRunnerSettings({ RUNNER_PORT: '8790' }), { message: /RUNNER_TOKEN_FILE/ })
  t.match(parseRunnerSettings({ RUNNER_PORT: '8790', RUNNER_TOKEN_FILE: '/run/t' }), {
    RUNNER_PORT: 8790,
  })
})

for (const wrong of [{ RUNNER_WARM: '-1' }, { RUNNER_RUNS: '65' }, { RUNNER_FOLDER: 'x' }]) {
  t.test(`refused: ${JSON.stringify(wrong)}`, async t => {
    t.throws(() => parseRunnerSettings(wrong), {
      message: new RegExp(Object.keys(wrong).join()),
      hint: /service worker/,
    })
  })
}
