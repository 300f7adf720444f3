// Rejects a Node.js version that is too old, in syntax that old versions can parse.
'use strict'
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `error: Node.js ${process.version} is too old (need 20.19)\nhint:  install Node.js 20 or newer, then run the command again\n`,
  )
  process.exit(1)
}
