import type { SourceControl } from './source-controls.ts'

const broker = 'tests/integration/gateway/git.test.ts'

/** The controls of the gateway's way to repositories, of tokens and signatures, and of carried images. */
export const gitSourceControls: readonly SourceControl[] = [
  {
    control: 'only listed repositories are reached',
    file: 'src/gateway/git/broker.ts',
    remove: ['if (!listed) throw', 'if (false) throw'],
    test: broker,
  },
  {
    control: 'the name of a repository is compared as a whole',
    file: 'src/gateway/git/git-target.ts',
    remove: ['`${host}/${path}` === repository', 'repository.startsWith(`${host}/${path}`)'],
    test: broker,
  },
  {
    control: 'a repository that is listed for fetching takes no push',
    file: 'src/gateway/git/broker.ts',
    remove: ["target.service === 'git-receive-pack' && !listed.push", 'false'],
    test: broker,
  },
  {
    control: 'git needs the placeholder of the stack',
    file: 'src/gateway/http/app.ts',
    remove: [
      'const { caller } = identifyCaller(request.raw.rawHeaders, credential)\n    const { git: access }',
      'const [caller = { tenant: null }] = callersOf(credential)\n    const { git: access }',
    ],
    test: broker,
  },
  {
    control: 'only branches below claude/ are pushed to',
    file: 'src/gateway/git/judge-push.ts',
    remove: ['if (!isOwnBranch(command.ref)) return', 'if (false) return'],
    test: broker,
  },
  {
    control: 'a branch has a plain name',
    file: 'src/gateway/git/ref-name.ts',
    remove: ['/^[A-Za-z0-9_][\\w.+=-]*$/.test(part) && isPlain(part)', 'isPlain(part)'],
    test: broker,
  },
  {
    control: 'a branch name has no dots that lead elsewhere',
    file: 'src/gateway/git/ref-name.ts',
    remove: ["!part.includes('..') && ", ''],
    test: broker,
  },
  {
    control: 'no branch is deleted',
    file: 'src/gateway/git/judge-push.ts',
    remove: ['if (zeros.test(command.new)) return', 'if (false) return'],
    test: broker,
  },
  {
    control: 'a branch that the stack did not create is not changed',
    file: 'src/gateway/git/judge-push.ts',
    remove: ['!zeros.test(command.old) && !isOurs(command.ref)', 'false'],
    test: broker,
  },
  {
    control: 'a branch is the stack’s only when the host took it',
    file: 'src/gateway/git/broker.ts',
    remove: ['report.accepted()', 'request.commands.map(({ ref }) => ref)'],
    test: broker,
  },
  {
    control: 'every ref of a push is judged',
    file: 'src/gateway/git/push.ts',
    remove: ['of push.commands)', 'of push.commands.slice(0, 1))'],
    test: broker,
  },
  {
    control: 'a push asks for nothing beside its refs',
    file: 'src/gateway/git/judge-push.ts',
    remove: ['if (foreign !== undefined) return', 'if (false) return'],
    test: broker,
  },
  {
    control: 'git is not offered what the gateway refuses',
    file: 'src/gateway/git/judge-push.ts',
    remove: ['server.filter(name => passed.test(name))', '[...server]'],
    test: broker,
  },
  {
    control: 'a pack follows the list of refs, and nothing else',
    file: 'src/gateway/git/pack.ts',
    remove: ["|| head.toString('latin1', 0, 4) !== 'PACK'", ''],
    test: broker,
  },
  {
    control: 'a pack has a limit',
    file: 'src/gateway/git/push.ts',
    remove: ['if (bytes > limits.bytes) throw', 'if (false) throw'],
    test: broker,
  },
  {
    control: 'the list of refs has a limit',
    file: 'src/gateway/git/push-commands.ts',
    remove: ['if (commands.length > mostCommands) throw', 'if (false) throw'],
    test: broker,
  },
  {
    control: 'a compressed push is not read as another one',
    file: 'src/gateway/git/caller-headers.ts',
    remove: ["target.service === 'git-receive-pack' && codings.length > 0", 'false'],
    test: broker,
  },
  {
    control: 'the tokens for repositories are removed when the stack ends',
    file: 'src/stack/secrets.ts',
    remove: [' || git !== undefined', ''],
    test: 'tests/unit/stack/secrets.test.ts',
  },
  {
    control: 'a token goes to its own host alone',
    file: 'src/credentials/token-for.ts',
    remove: ['.filter(token => token.host === host)', ''],
    test: 'tests/integration/credentials/token-for.test.ts',
  },
  {
    control: 'only commits in the user’s own name are signed',
    file: 'src/git/sign-commits.ts',
    remove: ['committerMail(commit) === signer.mail', 'true'],
    test: 'tests/integration/git/sign-commits.test.ts',
  },
  {
    control: 'images are loaded by their digest alone',
    file: 'src/images/image-archive.ts',
    remove: ['if (digest !== wanted.digest) {', 'if (false) {'],
    test: 'tests/integration/images/image-archive.test.ts',
  },
  {
    control: 'an archive brings no image but this checkout’s',
    file: 'src/images/image-archive.ts',
    remove: ['if (foreign !== undefined) {', 'if (false) {'],
    test: 'tests/integration/images/image-archive.test.ts',
  },
]
