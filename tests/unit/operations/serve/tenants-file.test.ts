import t from 'tap'
import { readTenants, tenantsPath } from '../../../../src/operations/serve/tenants-file.ts'

const read = (text: string) => readTenants({ CUSTOM_DIR: t.testdir({ 'tenants.yaml': text }) })

t.test('without the file there is one tenant', async t => {
  t.same(await readTenants({ CUSTOM_DIR: t.testdir({}) }), [{ name: 'main', budget: {} }])
  t.equal(tenantsPath({ CUSTOM_DIR: '/c' }), '/c/tenants.yaml')
})

t.test('names and budgets are read', async t => {
  t.same(await read('tenants:\n  - name: main\n  - { name: a-b, budget: { usdPerDay: 5 } }\n'), [
    { name: 'main', budget: {} },
    { name: 'a-b', budget: { usdPerDay: 5 } },
  ])
})

t.test('anything else names the file and the place', async t => {
  for (const [text, message] of [
    ['tenants: [', /tenants\.yaml is not valid YAML/],
    ['tenants: []', /tenants\.yaml is not valid: tenants /],
    ['tenants: [{ name: ../x }]', /not valid: tenants\.0\.name must be 1 to 24/],
    ['tenants: [{ name: a }, { name: a }]', /must have each name once/],
    ['tenants: [{ name: a, budgets: {} }]', /not valid: tenants\.0/],
    ['x'.repeat(70_000), /larger than 64 KiB/],
  ] as const) {
    await t.rejects(read(text), { message, hint: /for example/ }, text.slice(0, 40))
  }
})
