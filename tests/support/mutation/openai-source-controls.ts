import type { SourceControl } from './source-controls.ts'

const unit = 'tests/unit/server'

/** Controls of the endpoints in the form of OpenAI's and Anthropic's APIs. */
export const openAiSourceControls: readonly SourceControl[] = [
  {
    control: "a revoked token's responses are gone",
    file: 'src/server/responses/kept-responses.ts',
    remove: ['if (!isInForce(owner.caller)) for', 'if (false) for'],
    test: `${unit}/responses/kept-responses.test.ts`,
  },
  {
    control: "a revoked token's runs that wait for its client end",
    file: 'src/server/openai/paused-runs.ts',
    remove: ['if (isInForce(paused.caller)) continue', 'continue'],
    test: 'tests/integration/server/openai-tools.test.ts',
  },
  {
    control: 'a key counts on the paths of the two APIs alone',
    file: 'src/server/plugins/auth.ts',
    remove: ["typeof key === 'string' && isOpenAiPath(url)", "typeof key === 'string'"],
    test: 'tests/integration/server/access.test.ts',
  },
  {
    control: 'places of conversations have a maximum number and age',
    file: 'src/server/openai/kept-places.ts',
    remove: ['if (index < places.length - most || usedAt < oldest)', 'if (false)'],
    test: `${unit}/openai/kept-places.test.ts`,
  },
  {
    control: 'no place in use is removed',
    file: 'src/server/openai/kept-places.ts',
    remove: ['if (isUsed(owner, workspace)) return', ''],
    test: `${unit}/openai/kept-places.test.ts`,
  },
  {
    control: 'the home of a conversation stays as long as its workspace',
    file: 'src/runner/old-homes.ts',
    remove: ['if (!isOld || (await hasWorkspace(key))) continue', 'if (!isOld) continue'],
    test: 'tests/unit/runner/old-homes.test.ts',
  },
  {
    control: 'no home in use is removed',
    file: 'src/runner/old-homes.ts',
    remove: ['if (!isUsed(key)) putAway(key)', 'putAway(key)'],
    test: 'tests/unit/runner/old-homes.test.ts',
  },
  {
    control: 'an image comes from no address, and from port 443 alone',
    file: 'src/server/openai/image-fetch.ts',
    remove: ['if (url && isPublic) return url', 'if (url) return url'],
    test: `${unit}/openai/image-fetch.test.ts`,
  },
  {
    control: 'an image comes from the name that was named',
    file: 'src/server/openai/image-fetch.ts',
    remove: ['if (statusCode !== 200) {', 'if (statusCode >= 400) {'],
    test: `${unit}/openai/image-fetch.test.ts`,
  },
  {
    control: 'images of the web have a size and a type',
    file: 'src/server/openai/image-fetch.ts',
    remove: ['if (size > bytes) throw', 'if (false) throw'],
    test: `${unit}/openai/image-fetch.test.ts`,
  },
  {
    control: 'a request names so many images of the web',
    file: 'src/server/openai/remote-images.ts',
    remove: ['if (count > mostImages) throw', 'if (false) throw'],
    test: `${unit}/openai/remote-images.test.ts`,
  },
  {
    control: 'images that are being fetched have a bound for each token',
    file: 'src/server/openai/remote-images.ts',
    remove: ['if (!budget.take(holder, requestBytes)) throw', 'if (false) throw'],
    test: `${unit}/openai/remote-images.test.ts`,
  },
  {
    control: 'responses that are kept have a bound for all tokens',
    file: 'src/server/responses/kept-responses.ts',
    remove: ['total: limits.totalBytes,', 'total: 1e12,'],
    test: `${unit}/responses/kept-responses.test.ts`,
  },
]
