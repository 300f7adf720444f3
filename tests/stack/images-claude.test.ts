import { readFileSync } from 'node:fs'
import t from 'tap'
import { z } from 'zod'
import { nodeDockerfile } from '../../src/images/base-image.ts'

const read = (name: string) =>
  readFileSync(new URL(`../../claude/${name}`, import.meta.url), 'utf8')
const dockerfile = read('Dockerfile')
const steps = (what: RegExp) => dockerfile.split(/\n(?=[A-Z]+ |\n)/).filter(step => what.test(step))
const Policy = z.object({ env: z.record(z.string(), z.string()) }).loose()
const policy = Policy.parse(JSON.parse(read('managed-settings.json')))
const direct = Policy.parse(JSON.parse(read('managed-settings.direct.json')))

t.test('the images are built on ours and ask no registry', async t => {
  const from = [...`${dockerfile}${nodeDockerfile}`.matchAll(/^FROM (.*)/gm)].map(found => found[1])
  t.equal(from.length, 5)
  for (const line of from) t.match(line, /^(\$\{(NODE|BASE|TOOLS)\}|packages)( AS \w+)?$/)
  t.match(dockerfile, /^ARG TOOLS=packages$/m)
  t.notMatch(dockerfile, /^# *syntax=/m)
  t.notMatch(dockerfile, /^ADD /m)
})

t.test('setuid bits are removed in the layer that adds them (C1)', async t => {
  const installs = steps(/apt-get install/)
  t.equal(installs.length, 2)
  for (const step of installs) {
    t.match(step, /find \/ -xdev -perm \/6000 -type f -exec chmod ug-s \{\} \+/)
    t.match(step, 'rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*')
  }
})

t.test('proxy and CA settings of the host are in no layer', async t => {
  for (const step of `${dockerfile}${nodeDockerfile}`.matchAll(/^RUN [\s\S]*?apt-get install/gm)) {
    t.match(step[0], '--mount=type=secret,id=apt-conf')
    t.match(step[0], '--mount=type=secret,id=ca-certificates')
  }
  t.notMatch(dockerfile, /^(ENV|ARG) .*(proxy|cert|CAInfo)/im)
})

t.test('the image ends as an ordinary user', async t => {
  t.equal(dockerfile.match(/^USER .*$/gm)?.at(-1), 'USER 1000:1000')
})

t.test('the program comes after all packages, and the list of tools after both', async t => {
  const [image = '', ...stages] = dockerfile.split(/^FROM /m).reverse()
  t.match(image, /^\$\{TOOLS\} AS image$/m)
  t.notMatch(image, 'apt-get')
  t.ok(image.lastIndexOf('claude-secure/tool-list\n') > image.lastIndexOf('COPY '))
  // Otherwise a change of ours would install the packages of the full image again.
  const changing = /^COPY (--from=(programs|claude-code)|[^\n]* (scripts|lib)\/ )/m
  t.match(image, changing)
  for (const stage of stages) t.notMatch(stage, changing)
})

t.test("a repository cannot redirect the model's traffic (H4)", async t => {
  t.equal(policy.env.ANTHROPIC_BASE_URL, 'http://gateway:8787')
  t.equal(direct.env.ANTHROPIC_BASE_URL, 'https://api.anthropic.com')
  t.match(dockerfile, /^ENV .*ANTHROPIC_BASE_URL=http:\/\/gateway:8787$/m)
  t.match(dockerfile, /managed-settings\.json \/etc\/claude-code\/$/m)
})

t.test('both policies stop updates and telemetry, and differ in the base URL alone', async t => {
  for (const name of [
    'CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC',
    'DISABLE_UPDATES',
    'DISABLE_TELEMETRY',
  ]) {
    t.equal(policy.env[name], '1', name)
  }
  t.same(
    { ...direct, env: { ...direct.env, ANTHROPIC_BASE_URL: '' } },
    {
      ...policy,
      env: { ...policy.env, ANTHROPIC_BASE_URL: '' },
    },
  )
})

t.test('the hooks of a session run programs of the image, and end', async t => {
  const Hook = z.strictObject({
    type: z.literal('command'),
    command: z.string(),
    timeout: z.int().max(20),
  })
  const Hooks = z.record(z.string(), z.array(z.strictObject({ hooks: z.array(Hook) })))
  const settings = z.strictObject({ hooks: Hooks }).parse(JSON.parse(read('session-settings.json')))
  const commands = Object.entries(settings.hooks).map(([name, groups]) => [
    name,
    groups.flatMap(({ hooks }) => hooks.map(({ command }) => command)),
  ])
  const program = '/usr/local/bin/claude-secure-turn /workspace'
  t.same(Object.fromEntries(commands), {
    UserPromptSubmit: [`${program} begin`],
    Stop: [`${program} end`],
    SessionEnd: [`${program} end`],
  })
  t.match(dockerfile, /^COPY --chmod=0644 [^\n]* session-settings\.json \/etc\/claude-secure\/$/m)
})

t.test(
  'output of the agent does not reach the clipboard, the title or the terminal raw (N17)',
  async t => {
    const conf = read('tmux.conf')
    for (const line of [
      'set-clipboard off',
      'allow-passthrough off',
      'set-titles off',
      'prefix None',
    ]) {
      t.match(conf, new RegExp(`^set -g ${line}$`, 'm'))
    }
  },
)
