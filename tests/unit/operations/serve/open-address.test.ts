import t from 'tap'
import { refuseOpenAddress } from '../../../../src/operations/serve/open-address.ts'
import type { TokenPlace } from '../../../../src/operations/serve/stored-tokens.ts'

const own: TokenPlace = { kind: 'file', path: '/state/token' }
const setting: TokenPlace = { kind: 'setting' }
const none: TokenPlace = { kind: 'none' }
const at = (SERVER_BIND: string, place: TokenPlace, SERVER_ALLOWED_HOSTS?: string) => () =>
  refuseOpenAddress({ SERVER_BIND, SERVER_ALLOWED_HOSTS }, place)

t.test('an address that others reach needs a token of the user', async t => {
  t.throws(at('10.0.0.5', own, 'ai.example'), { message: /no token is set/ })
  t.doesNotThrow(at('10.0.0.5', setting, 'ai.example'))
  t.doesNotThrow(at('10.0.0.5', { kind: 'added', names: ['ci'] }, 'ai.example'))
  t.doesNotThrow(at('127.0.0.1', own))
})

t.test('an address whose name the server would refuse needs SERVER_ALLOWED_HOSTS', async t => {
  t.throws(at('10.0.0.5', setting), {
    message: 'SERVER_BIND=10.0.0.5 needs SERVER_ALLOWED_HOSTS, which is not set',
    hint: /\.env .*such as 10\.0\.0\.5$/,
  })
  t.throws(at('0.0.0.0', setting), { message: /SERVER_BIND/, hint: /such as ai\.example$/ })
  t.throws(at('127.0.0.2', own), { message: /SERVER_ALLOWED_HOSTS/ })
  t.doesNotThrow(at('127.0.0.2', own, '127.0.0.2'))
})

t.test('a server without a token has no other name and no other address', async t => {
  t.doesNotThrow(at('127.0.0.1', none))
  t.throws(at('127.0.0.1', none, 'ai.example'), {
    message: '--no-auth contradicts SERVER_ALLOWED_HOSTS',
    hint: /\.env$/,
  })
  t.throws(at('10.0.0.5', none), { message: '--no-auth contradicts SERVER_BIND=10.0.0.5' })
})
