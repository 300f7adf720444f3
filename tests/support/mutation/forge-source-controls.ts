import type { SourceControl } from './source-controls.ts'

const push = 'tests/integration/git/push.test.ts'
const login = 'tests/integration/git/push-login.test.ts'
const client = 'tests/integration/git/forge/forge-client.test.ts'
const repository = 'tests/integration/git/forge/forge-repository.test.ts'
const owner = 'tests/integration/git/push-as-owner.test.ts'
const forks = 'tests/integration/operations/sessions/forks.test.ts'

/** Controls of pushes and of requests to a forge. */
export const forgeSourceControls: readonly SourceControl[] = [
  {
    control: 'a remote URL names no program',
    file: 'src/git/remote-url.ts',
    remove: [
      "if (/^[a-z0-9+.-]*::/i.test(url)) throw refused(url, 'names a program that git would run')",
      '',
    ],
    test: 'tests/unit/git/remote-url.test.ts',
  },
  {
    control: 'a remote URL is not an option',
    file: 'src/git/remote-url.ts',
    remove: ["if (url.startsWith('-')) throw refused(url, 'begins like an option')", ''],
    test: 'tests/unit/git/remote-url.test.ts',
  },
  {
    control: 'a password of a URL is refused',
    file: 'src/git/remote-url.ts',
    remove: ['password !== undefined', 'false'],
    test: 'tests/unit/git/remote-url.test.ts',
  },
  {
    control: 'an error hides the password of a URL that cannot be parsed',
    file: 'src/git/remote-url.ts',
    remove: [".replace(/\\/\\/.*@/, '//')", ''],
    test: 'tests/unit/git/remote-url.test.ts',
  },
  {
    control: 'a host that an alias of ssh stands for is judged',
    file: 'src/git/resolve-remote.ts',
    remove: ['parseRemoteUrl(`ssh://${name}/x`).host', 'name'],
    test: 'tests/unit/git/resolve-remote.test.ts',
  },
  {
    control: 'a branch name has no control or invisible characters',
    file: 'src/git/branch-name.ts',
    remove: [
      'if (terminalText(name) !== name || visibleText(name) !== name || /\\p{Cs}/u.test(name)) {',
      'if (false as boolean) {',
    ],
    test: 'tests/unit/git/branch-name.test.ts',
  },
  {
    control: 'a value is one segment of a path',
    file: 'src/git/forge/forge-path.ts',
    remove: ['return encodeURIComponent(value)', 'return value'],
    test: 'tests/unit/git/forge/forge-path.test.ts',
  },
  {
    control: 'a redirect of a forge stays on its host',
    file: 'src/git/forge/forge-client.ts',
    remove: ['next.origin !== origin || ', ''],
    test: client,
  },
  {
    control: 'an answer of a forge is bounded',
    file: 'src/git/forge/forge-client.ts',
    remove: ['readBounded(body, answerBytes,', 'readBounded(body, 2 ** 40,'],
    test: client,
  },
  {
    control: 'a token is sent over https, or to this machine',
    file: 'src/git/login.ts',
    remove: ["(protocol === 'http:' && isLoopback(host))", "protocol === 'http:'"],
    test: client,
  },
  {
    control: 'a token cannot begin another header',
    file: 'src/git/login.ts',
    remove: ['if (/^[\\x21-\\x7e]{1,4096}$/.test(token)) return', 'return'],
    test: client,
  },
  {
    control: 'a text of a forge has no escapes',
    file: 'src/git/forge/forge-failure.ts',
    remove: ["return terminalLine([...new Set(texts)].join('; '))", "return texts.join('; ')"],
    test: client,
  },
  {
    control: 'the page of a pull request is on its host',
    file: 'src/git/forge/forge-repository.ts',
    remove: ['plain && hostname === new URL(web).hostname', 'plain'],
    test: client,
  },
  {
    control: 'a pull request of a fork is not the one of the branch',
    file: 'src/git/forge/forge-repository.ts',
    remove: ['if (!fork) return !isFork', 'if (!fork) return true'],
    test: repository,
  },
  {
    control: 'a title has no control characters',
    file: 'src/git/forge/forge-repository.ts',
    remove: ['terminalLine(title, titleCharacters).trim()', 'title.trim()'],
    test: repository,
  },
  {
    control: 'a push reads no configuration but its own',
    file: 'src/git/push/push-repository.ts',
    remove: ["await write('')", 'await write(`[include]\\npath = "${gitDir}/config"\\n`)'],
    test: push,
  },
  {
    control: 'a push inherits no variable of git',
    file: 'src/git/push/push-repository.ts',
    remove: ['...Object.fromEntries(passed.map(name => [name, given[name]])),', '...given,'],
    test: push,
  },
  {
    control: 'an address of insteadOf is judged again',
    file: 'src/git/push/push-repository.ts',
    remove: [
      "parseRemoteUrl(resolved.code === 0 ? resolved.stdout.replace(/\\n$/, '') : url)",
      'parseRemoteUrl(url)',
    ],
    test: push,
  },
  {
    control: 'a push accepts no unknown host key',
    file: 'src/git/push/push-repository.ts',
    remove: ['-o StrictHostKeyChecking=yes ', ''],
    test: 'tests/e2e/git-ssh.test.ts',
  },
  {
    control: "a push forwards no agent of the user's ssh",
    file: 'src/git/push/push-repository.ts',
    remove: ['-o ForwardAgent=no ', ''],
    test: 'tests/e2e/git-ssh.test.ts',
  },
  {
    control: 'a push follows no redirect',
    file: 'src/git/push/push-repository.ts',
    remove: ["['http.followredirects', 'false'],", "['http.followredirects', 'true'],"],
    test: login,
  },
  {
    control: 'a login is in a memory that no one else can read',
    file: 'src/git/push/push-repository.ts',
    remove: ['(status.mode & 0o077) === 0', 'status.mode'],
    test: login,
  },
  {
    control: 'hooks of a remote in a folder do not run',
    file: 'src/git/push/push.ts',
    remove: ["remote.transport === 'file' ?", "remote.transport === 'ssh' ?"],
    test: push,
  },
  {
    control: 'a push refuses protected branches',
    file: 'src/git/push/push.ts',
    remove: ['checkProtected(request, remote, defaultBranch)', ''],
    test: push,
  },
  {
    control: 'a push replaces commits only if asked',
    file: 'src/git/push/push.ts',
    remove: ['request.force ?', 'request.commit ?'],
    test: push,
  },
  {
    control: 'messages of a remote have no escapes',
    file: 'src/git/push/push.ts',
    remove: [
      ".map(line => terminalLine(line.slice('remote:'.length)).trim())",
      ".map(line => line.slice('remote:'.length).trim())",
    ],
    test: push,
  },
  {
    control: 'root pushes as the owner of the repository',
    file: 'src/git/push/push-repository.ts',
    remove: ['env, user: account, ...(signal', 'env, ...(signal'],
    test: owner,
  },
  {
    control: 'a file of another user is no login of the owner',
    file: 'src/credentials/asked.ts',
    remove: ['(owner !== undefined && file.stats.uid !== owner)', 'false'],
    test: owner,
  },
  {
    control: 'a fetch for another user knows no secret of root',
    file: 'src/git/open-git.ts',
    remove: ['account === null || harmless.test(name)', 'true'],
    test: owner,
  },
  {
    control: 'a fork is pushed to only if its author allows it',
    file: 'src/operations/sessions/destination.ts',
    remove: ['if (!head.isOpenToPushes)', 'if (false)'],
    test: forks,
  },
  {
    control: 'the address of a fork is judged',
    file: 'src/git/remote-url.ts',
    remove: [
      'return parseRemoteUrl(`${remote.url.slice(0, at)}${path}${rest}`).url',
      'return `${remote.url.slice(0, at)}${path}${rest}`',
    ],
    test: 'tests/unit/git/remote-url.test.ts',
  },
]
