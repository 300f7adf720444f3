import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readEnvFile } from '../../src/config/env-file.ts'
import { loadSettings } from '../../src/config/load-settings.ts'
import { settingNames } from '../../src/config/setting-names.ts'
import { Settings } from '../../src/config/settings.ts'

const root = join(import.meta.dirname, '../..')
const defaults: Record<string, unknown> = Settings.parse({})
const schema = Object.entries(Settings.shape).map(([name, type]) => ({
  name,
  description: type.description ?? '',
  value: defaults[name] === undefined ? '' : String(defaults[name]),
}))

t.test('the list of names equals that of the schema', async t => {
  t.same([...settingNames], Object.keys(Settings.shape))
})

t.test('.env.example has every setting with its description and default, in order', async t => {
  const text = await readFile(join(root, '.env.example'), 'utf8')
  const found = [...text.matchAll(/^# (.+)\n#([A-Z_]+)=(.*)$/gm)].map(
    ([, description, name, value]) => ({ name, description, value }),
  )
  t.same(found, schema)
})

t.test(
  'docs/configuration.md has every setting with its description and default, in order',
  async t => {
    const text = await readFile(join(root, 'docs/configuration.md'), 'utf8')
    const found = [...text.matchAll(/^\| `([A-Z_]+)` \| (.*?) \| (.+) \|$/gm)].map(
      ([, name, value = '', description]) => ({
        name,
        description,
        value: value.replaceAll('`', ''),
      }),
    )
    t.same(found, schema)
  },
)

t.test('.env.example, copied as it is, is a valid .env that changes nothing', async t => {
  const text = await readFile(join(root, '.env.example'), 'utf8')
  const dir = t.testdir({ '.env': text, '.env.on': text.replaceAll(/^#(?=[A-Z_]+=$)/gm, '') })
  t.same(await loadSettings(dir, {}), defaults)
  t.same(await readEnvFile(join(dir, '.env.on'), Object.keys(Settings.shape)), {})
})
