/**
 * The single-file programs of the gateway image: what to bundle, and the name it has in the image.
 * Both are ESM for Node 24; CommonJS dependencies need a `require` made with `createRequire`.
 */
export const gatewayBundles = [
  { entry: 'src/gateway/main.ts', out: 'gateway.js' },
  { entry: 'src/gateway/rehearsal/main.ts', out: 'rehearsal.js' },
] as const
