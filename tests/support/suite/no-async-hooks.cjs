// Loaded before tap, which follows each promise from its test to an error that nothing catches. That takes a
// fifth of the processor time of the unit tests; uncaught-errors.ts finds the test without it.
const hooks = require('node:async_hooks')
const { syncBuiltinESMExports } = require('node:module')

const hook = { enable: () => hook, disable: () => hook }
hooks.createHook = () => hook
syncBuiltinESMExports()
