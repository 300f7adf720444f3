/** Stands in for the `tap` module in a test file: see tap-per-file.mjs. */
import { fileTest } from './current-file.ts'

export default fileTest()
