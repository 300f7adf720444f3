/**
 * The folder below a tenant's root with the workspaces of conversations, in a folder for each token. A path in it
 * is open to that token alone, so that no other one goes on with its conversations or reads their runs.
 */
export const conversationsFolder = '.openai'

/** The name of a workspace that stays: of a chat or of a user, with the digest of its id. */
export const keptPlaceName = /^(?:chat|user)-[0-9a-f]{20}$/
