import type { SourceControl } from './source-controls.ts'

const access = 'tests/integration/web/access.test.ts'

/** Controls of the page of `web`. */
export const webSourceControls: readonly SourceControl[] = [
  {
    control: 'the page answers to its own address alone',
    file: 'src/web/hosts.ts',
    remove: ['named.length !== 1 ||', 'false &&'],
    test: access,
  },
  {
    control: 'an action belongs to the page itself',
    file: 'src/web/app.ts',
    remove: ['checkOrigin(request.raw, { required: !reads })', ''],
    test: access,
  },
  {
    control: 'everything but the page needs the token',
    file: 'src/web/app.ts',
    remove: ['if (access.admits(bearerOf(request.headers.authorization))) return', 'return'],
    test: access,
  },
  {
    control: 'a form of another website is not read',
    file: 'src/web/app.ts',
    remove: ["app.removeContentTypeParser('text/plain')", ''],
    test: access,
  },
  {
    control: 'a websocket is checked for its host',
    file: 'src/web/sockets.ts',
    remove: ['checkHost(request, port())', ''],
    test: access,
  },
  {
    control: 'a websocket belongs to the page itself',
    file: 'src/web/sockets.ts',
    remove: ['checkOrigin(request, { required: true })', ''],
    test: access,
  },
  {
    control: 'a websocket needs the token',
    file: 'src/web/sockets.ts',
    remove: [
      "if (!access.admits(protocolToken(request.headers['sec-websocket-protocol']))) {",
      'if (false) {',
    ],
    test: access,
  },
  {
    control: 'the number of websockets is bounded',
    file: 'src/web/sockets.ts',
    remove: ['if (server.clients.size >= limits.sockets)', 'if (false)'],
    test: access,
  },
  {
    control: 'a terminal waits for a slow page',
    file: 'src/web/terminal.ts',
    remove: ['if (socket.bufferedAmount > limits.terminalBytes) stream.pause()', ''],
    test: 'tests/integration/web/terminal.test.ts',
  },
  {
    control: 'a page that leaves hangs up its terminal',
    file: 'src/web/terminal.ts',
    remove: ["socket.once('close', () => terminal?.stream.destroy())", ''],
    test: 'tests/integration/web/terminal.test.ts',
  },
  {
    control: 'a page that does not read is closed',
    file: 'src/web/live.ts',
    remove: ['if (socket.bufferedAmount > limits.liveBytes)', 'if (false)'],
    test: 'tests/integration/web/live.test.ts',
  },
  {
    control: 'a vanished page is found',
    file: 'src/web/sockets.ts',
    remove: ['if (!answered) return client.terminate()', ''],
    test: 'tests/integration/web/terminal.test.ts',
  },
  {
    control: 'the token of an opened browser is not an argument',
    file: 'src/web/open-browser.ts',
    remove: ['pathToFileURL(path).href', 'url'],
    test: 'tests/unit/web/open-browser.test.ts',
  },
  {
    control: 'only the user reads the file that leads a browser to the page',
    file: 'src/web/open-browser.ts',
    remove: ['mode: 0o600', 'mode: 0o644'],
    test: 'tests/unit/web/open-browser.test.ts',
  },
  {
    control: 'a push takes what the user has read',
    file: 'src/web/session-source.ts',
    remove: ['if (tips.branch !== tip) {', 'if (false) {'],
    test: 'tests/integration/web/session-source.test.ts',
  },
  {
    control: 'a push takes nothing that the page does not list',
    file: 'src/web/session-source.ts',
    remove: ['if (unlisted > 0) {', 'if (false) {'],
    test: 'tests/integration/web/session-source.test.ts',
  },
  {
    control: 'a malformed path of another website is refused as each other request',
    file: 'src/web/app.ts',
    remove: ['refuse(reply, () => check(request),', 'refuse(reply, () => {},'],
    test: access,
  },
  {
    control: 'an answer is for the question that the user saw',
    file: 'src/run/runs.ts',
    remove: ['(shown !== undefined && shown !== question.id)', 'false'],
    test: 'tests/unit/run/question-broker.test.ts',
  },
  {
    control: 'a session that was started not to push does not push from the page',
    file: 'src/web/session-source.ts',
    remove: ["if (!session.mayPush) throw notAllowed(session, 'push')", ''],
    test: 'tests/integration/web/session-source.test.ts',
  },
  {
    control: 'a paste cannot end itself',
    file: 'src/web/page/pasteable.ts',
    remove: ["return text.replace(controls, '')", 'return text'],
    test: 'tests/unit/web/page/pasteable.test.ts',
  },
]
