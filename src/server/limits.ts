/** Limits of the server: no client may occupy its memory or connections indefinitely. */
export type ServerLimits = {
  /** Maximum bytes of a JSON body: the texts and attachments of a run, with room for escapes. */
  bodyBytes: number
  /** Maximum levels of arrays and objects in a JSON body. */
  bodyDepth: number
  /** Maximum values in a JSON body. */
  bodyValues: number
  /** Maximum bytes of all large JSON bodies that are being read at once; a token has half of them. */
  bodiesBytes: number
  /** Bodies up to this size are not counted. */
  smallBodyBytes: number
  /** Timeout for a JSON body, so that a slow one does not hold its bytes. */
  receiveBodyMilliseconds: number
  /** Maximum size of all request headers together, in bytes. */
  headerBytes: number
  /** Maximum number of open connections. */
  connections: number
  /** Maximum number of open connections without a request; above it the oldest is closed. */
  idleConnections: number
  receiveHeadersMilliseconds: number
  receiveMilliseconds: number
  /** Timeout of a connection between two requests. */
  idleMilliseconds: number
  /** Timeout of a client that does not read its answer. */
  stalledMilliseconds: number
  /**
   * Maximum characters of all large answers that are held for their clients at once, and of those of one token; a
   * result with the most turns has room.
   */
  answersCharacters: number
  answerCharacters: number
  /** Answers up to this size are not counted. */
  smallAnswerCharacters: number
  /** Maximum number of entries in one listing of a folder. */
  listedEntries: number
  /** Maximum bytes of all large listings that are made or sent at once; a tenant has half of them. */
  listingsBytes: number
  /** Maximum number of requests of one token in a second. */
  requestsPerSecond: number
  /** Maximum number of runs that one token starts in a minute. */
  runsPerMinute: number
  /**
   * Maximum number of requests that are open at once, below that of connections; a token has half of them, and half
   * is kept for the tenants in equal parts.
   */
  openRequests: number
  /** Interval in which open requests of a revoked token are looked for. */
  revokedMilliseconds: number
  /** Interval in which old workspaces of conversations are looked for. */
  pruneMilliseconds: number
  /** Maximum number of event streams that one token reads at once. */
  streams: number
  /** Interval of the comments that keep an event stream open. */
  keepAliveMilliseconds: number
  /** Maximum time that `async` waits for the start of its run. */
  startMilliseconds: number
  /** Maximum time that a cancel waits for the end of its run. */
  cancelMilliseconds: number
  /** Time for an official OpenAI client that lost its connection to come back. It takes 2 s at most. */
  retryMilliseconds: number
  /** Time for a client to bring the results of its tools, after which its run is cancelled. */
  toolMilliseconds: number
  /** Maximum number of messages that wait for one workspace. */
  waitingMessages: number
  /** Maximum number of MCP sessions of one token; the one unused for longest makes room. */
  mcpSessions: number
  /** Time after which an unused MCP session ends. */
  mcpSessionMilliseconds: number
  /** Maximum bytes of the message that opens an MCP session, of which parts are kept. */
  mcpInitializeBytes: number
  /** Maximum number of cancelled requests in one MCP session, each of which leaves an id behind. */
  mcpCancelled: number
  /** Maximum number of MCP tool calls that one token has in progress. */
  mcpCalls: number
  /** Maximum bytes of all texts that MCP tools read or list at once; a token has half of them. */
  mcpBytes: number
}

export const defaultServerLimits: ServerLimits = {
  bodyBytes: 40 * 1024 * 1024,
  bodyDepth: 64,
  bodyValues: 100_000,
  bodiesBytes: 80 * 1024 * 1024,
  smallBodyBytes: 64 * 1024,
  receiveBodyMilliseconds: 60_000,
  headerBytes: 32 * 1024,
  connections: 2_048,
  idleConnections: 512,
  receiveHeadersMilliseconds: 10_000,
  receiveMilliseconds: 600_000,
  idleMilliseconds: 30_000,
  stalledMilliseconds: 60_000,
  answersCharacters: 64 * 1024 * 1024,
  answerCharacters: 48 * 1024 * 1024,
  smallAnswerCharacters: 64 * 1024,
  listedEntries: 10_000,
  // Half of it has room for the longest names in one listing.
  listingsBytes: 64 * 1024 * 1024,
  requestsPerSecond: 10_000,
  runsPerMinute: 600,
  openRequests: 1_024,
  revokedMilliseconds: 1_000,
  pruneMilliseconds: 3_600_000,
  streams: 64,
  keepAliveMilliseconds: 15_000,
  startMilliseconds: 5_000,
  cancelMilliseconds: 20_000,
  retryMilliseconds: 5_000,
  toolMilliseconds: 600_000,
  waitingMessages: 8,
  mcpSessions: 32,
  mcpSessionMilliseconds: 30 * 60_000,
  mcpInitializeBytes: 64 * 1024,
  mcpCancelled: 1_000,
  mcpCalls: 64,
  mcpBytes: 32 * 1024 * 1024,
}
