import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../src/base/log.ts'
import { clientEnvironment } from '../../src/config/environment.ts'
import { Settings } from '../../src/config/settings.ts'
import { findClient } from '../../src/engine/find-client.ts'
import { findEngine } from '../../src/engine/find-engine.ts'
import { buildImages } from '../../src/images/images.ts'
import { readPins } from '../../src/images/pins.ts'
import { exec, execOk } from '../../src/process/exec.ts'
import {
  authorityTargets,
  authorityVariables,
  ensureAuthorities,
} from '../../src/stack/authorities.ts'
import { comparableLists, listsScript, packagesOfTarget } from '../support/docker/tool-list.ts'
import { createAuthority, issueCertificate } from '../support/messages-api/certificate.ts'

// The image with toolchains. Two minutes to build, so it has a file of its own.
const root = join(import.meta.dirname, '../..')
const { found } = await findEngine(process.env)
const env = clientEnvironment(found?.dockerHost ?? '')
const docker = (await findClient(env))?.file ?? 'docker'
const images = await buildImages({
  log: silentLog,
  settings: Settings.parse({ IMAGE_TARGET: 'full', CUSTOM_DIR: '/nonexistent' }),
  pins: await readPins(root),
  target: 'full',
  client: { kind: 'docker', file: docker, env },
  network: process.env,
  only: ['claude'],
  root,
})

/** As the stack runs it: any uid, nothing writable but /tmp, no network. */
const inside = (script: string, user = '4242:4242') =>
  exec(
    docker,
    [
      ...['run', '--rm', '--interactive', '--network=none', '--read-only', '--cap-drop=ALL'],
      ...['--security-opt=no-new-privileges:true', '--tmpfs=/tmp:mode=1777,exec', '--user', user],
      ...[images.claude, 'bash', '-c', script],
    ],
    { env },
  )

t.test('every tool answers', async t => {
  for (const [command, answer] of [
    ['claude --version', /Claude Code/],
    ['node --version', /^v24\./],
    ['go version', /go1\./],
    ['gopls version', /gopls/],
    ['dlv version', /Delve/],
    ['python3 --version', /^Python 3\./],
    ['pip --version', /python 3/],
    ['pipx --version', /^\d/],
    ['poetry --version', /Poetry/],
    ['pipenv --version', /pipenv/],
    ['pytest --version', /pytest/],
    ['mypy --version', /mypy/],
    ['black --version', /black/],
    ['isort --version', /VERSION/],
    ['flake8 --version', /pyflakes/],
    ['autoflake --version', /autoflake/],
    ['vulture --version', /vulture/],
    ['eslint --version', /^v10\./],
    ['prettier --version', /^3\./],
    ['tsc --version', /^Version 6\./],
    ['ts-node --version', /^v10\./],
    ['yarn --version', /^1\./],
    ['pnpm --version', /^10\./],
    ['nodemon --version', /^3\./],
    ['PYRIGHT_PYTHON_IGNORE_WARNINGS=1 pyright --version', /^pyright 1\./],
    ['gcc --version', /gcc/],
    ['g++ --version', /g\+\+/],
    ['make --version', /GNU Make/],
    ['cmake --version', /cmake version/],
    ['ninja --version', /^\d/],
    ['clang-format --version', /clang-format/],
    ['gdb --version', /GNU gdb/],
    ['valgrind --version', /valgrind/],
    ['strace --version', /strace/],
    ['gh --version', /gh version/],
    ['kubectl version --client', /Client Version/],
    ['psql --version', /PostgreSQL/],
    ['mysql --version', /MariaDB/],
    ['mariadb --version', /MariaDB/],
    ['redis-cli --version', /redis-cli/],
    ['sqlite3 --version', /^3\./],
    ['shellcheck --version', /ShellCheck/],
    ['shfmt --version', /^v?\d/],
    ['yamllint --version', /yamllint/],
    ['jq --version', /jq/],
    ['yq --version', /yq/],
    ['rg --version', /ripgrep/],
    ['fd --version', /fd/],
    ['fzf --version', /^\d/],
    ['bat --version', /bat/],
    ['eza --version', /eza/],
    ['ag --version', /ag version/],
    ['tree --version', /tree/],
    ['http --version', /^\d/],
    ['rsync --version', /rsync/],
    ['dig -v', /DiG/],
    ['git lfs version', /git-lfs/],
    ['vim --version', /VIM/],
  ] as const) {
    const { code, stdout, stderr } = await inside(`${command} 2>&1`)
    t.equal(code, 0, `${command}: ${stderr}`)
    t.match(stdout, answer, command)
  }
})

t.test('the toolchains build programs that run', async t => {
  const { code, stdout, stderr } = await inside(
    [
      'set -e; export HOME=/tmp/home GOCACHE=/tmp/go; mkdir -p /tmp/home /tmp/w; cd /tmp/w',
      'echo \'#include <iostream>\nint main() { std::cout << "from c++\\n"; }\' > a.cc',
      'printf "a: a.cc\\n\\tg++ -O2 -o a a.cc\\n" > Makefile; make -s; ./a',
      'echo \'package main\nimport "fmt"\nfunc main() { fmt.Println("from go") }\' > a.go',
      'go run a.go',
      'python3 -m venv v; v/bin/python -c "print(\'from python\')"; v/bin/pip --version > /dev/null',
    ].join('\n'),
  )
  t.equal(code, 0, stderr)
  t.equal(stdout, 'from c++\nfrom go\nfrom python\n')
})

t.test('every client of TLS trusts the authority of EXTRA_CA_CERTS', async t => {
  const authority = createAuthority()
  const { cert, key } = issueCertificate(authority, ['localhost'])
  const folder = t.testdir({ 'ca.pem': authority.certificate, 'site.pem': cert, 'site.key': key })
  const files = await ensureAuthorities(
    { kind: 'docker', file: docker, env },
    {
      image: images.claude,
      extra: join(folder, 'ca.pem'),
      folder: join(folder, 'authorities'),
      signal: new AbortController().signal,
    },
  )
  const mounts = [
    `${files.pem}:${authorityTargets.pem}:ro`,
    `${files.java}:${authorityTargets.java}:ro`,
    `${folder}:/site:ro`,
  ]
  const variables = { ...authorityVariables, NODE_EXTRA_CA_CERTS: authorityTargets.pem }
  const page = 'https://localhost:8443/'
  const python = (module: string, call: string) => `python3 -c "import ${module}; ${call}"`
  const clients: Readonly<Record<string, string>> = {
    curl: `curl -sS --fail ${page}`,
    wget: `wget -qO- ${page}`,
    node: `node -e "fetch('${page}').then(a => a.text()).then(console.log)"`,
    python: python('urllib.request', `print(urllib.request.urlopen('${page}').read())`),
    requests: python('requests', `print(requests.get('${page}').text)`),
    // It finds no package there, but must not complain about TLS.
    pip: `out=$(pip download --no-cache-dir --index-url ${page} x 2>&1 || true); case $out in *SSL*|*ertificate*) exit 1 ;; *'No matching'*) echo s_server ;; esac`,
    go: `cd /tmp && printf 'package main\\nimport ("fmt"; "io"; "net/http")\\nfunc main() { a, e := http.Get("${page}"); if e != nil { panic(e) }; b, _ := io.ReadAll(a.Body); fmt.Println(string(b)) }' > a.go && GOCACHE=/tmp/go HOME=/tmp go run a.go`,
  }
  const server =
    'openssl s_server -quiet -www -accept 8443 -cert /site/site.pem -key /site/site.key'
  const script = [
    `${server} > /dev/null 2>&1 & until (exec 3<>/dev/tcp/127.0.0.1/8443) 2> /dev/null; do sleep 0.1; done`,
    ...Object.entries(clients).map(
      ([name, command]) =>
        `(${command}) > /tmp/${name}.out 2>&1; grep -q s_server /tmp/${name}.out && echo "${name} trusts" || { echo "${name} refuses"; tail -n 3 /tmp/${name}.out; }`,
    ),
    'kill %1',
  ]
  const { stdout } = await exec(
    docker,
    [
      ...['run', '--rm', '--network=none', '--read-only', '--cap-drop=ALL', '--user', '4242:4242'],
      ...['--tmpfs=/tmp:mode=1777,exec', ...mounts.flatMap(mount => ['--volume', mount])],
      ...Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      ...[images.claude, 'bash', '-c', script.join('\n')],
    ],
    { env },
  )
  t.same(
    stdout.trim().split('\n'),
    Object.keys(clients).map(name => `${name} trusts`),
  )
})

t.test("the agent's list of tools names every installed tool and nothing else", async t => {
  const { stdout } = await inside(listsScript)
  const { told, there } = comparableLists(stdout, packagesOfTarget('full'))
  t.same(told, there)
  t.ok(told.length > 60)
  t.match(
    stdout,
    '\n- in /usr/local/bin: bat eslint fd nodemon pnpm pnpx prettier pyright ts-node tsc tsserver yarn yarnpkg\n',
  )
})

t.test("no file is setuid or setgid, and apt's leftovers are gone", async t => {
  const search =
    'find / -xdev -perm /6000 -type f; ls -A /var/lib/apt/lists /var/cache/apt | grep -v :'
  t.equal((await inside(search, '0')).stdout.trim(), '')
})

t.test('the image is no larger than docs/images.md says', async t => {
  const { stdout } = await execOk(
    docker,
    ['image', 'inspect', '--format={{.Size}}', images.claude],
    { env },
  )
  t.ok(Number(stdout) <= 2_400_000_000, `${stdout.trim()} bytes`)
})
