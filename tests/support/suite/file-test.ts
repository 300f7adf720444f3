/** Stands in for the `tap` module in a test file: see tap-per-file.mjs. */
import { fileTest } from './current-file.ts'

// biome-ignore lint/style/noDefaultExport: test files import tap's default export
export default fileTest()
