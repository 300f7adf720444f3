/** The main module of the processes that run test files. */
export const processMain = 'tests/support/suite/process-main.ts'

/** Returns the path of a source in a bundle. */
export const bundled = (path: string) => path.replace(/\.ts$/, '.js')
