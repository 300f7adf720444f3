import * as z from 'zod'

/** A name that is a folder, part of a service's and of a network's name, and a label of a metric. */
export const TenantName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$/, 'must be 1 to 24 of a-z, 0-9 and - inside')

/** The name of a token: it stands in records, logs and metrics in the token's place. */
export const TokenName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 of letters, digits, ., _ and -')

/** A folder directly below the tenant's own. */
const WorkspaceName = z
  .string()
  .regex(/^[^/\0]{1,255}$/, 'must be the name of one folder')
  .refine(name => name !== '.' && name !== '..', { error: 'must be the name of one folder' })

/** What may be spent from midnight to midnight (UTC). No limit when left out. */
export const DayBudget = z.strictObject({
  usdPerDay: z.number().positive().max(1_000_000).optional(),
  tokensPerDay: z.number().int().positive().max(1_000_000_000_000).optional(),
})
export type DayBudget = z.infer<typeof DayBudget>

/** The tenant of a server without tenants.yaml, and of a single API_TOKEN. */
export const defaultTenant = 'main'

export const Tenant = z.strictObject({ name: TenantName, budget: DayBudget.default({}) })
export type Tenant = z.infer<typeof Tenant>

/** The content of tenants.yaml. */
export const Tenants = z.strictObject({
  tenants: z
    .array(Tenant)
    .min(1)
    .max(16)
    .refine(tenants => new Set(tenants.map(({ name }) => name)).size === tenants.length, {
      error: 'must have each name once',
    }),
})
export type Tenants = z.infer<typeof Tenants>

/** What a token may be used for. */
export const tokenModes = ['api', 'files', 'openai', 'mcp', 'metrics'] as const
export type TokenMode = (typeof tokenModes)[number]

/** A token on disk, where only its hash is. */
export const StoredToken = z.strictObject({
  name: TokenName,
  tenant: TenantName,
  /** Hex SHA-256 of the token. It has 256 random bits, so that a slow hash would protect nothing more. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** ISO 8601. */
  createdAt: z.iso.datetime(),
  /** The workspaces that it may use; all of its tenant's, and the tenant's root, when left out. */
  workspaces: z.array(WorkspaceName).min(1).max(100).optional(),
  /** The models that its runs may start with; every model when left out. */
  models: z.array(z.string().min(1).max(132)).min(1).max(50).optional(),
  budget: DayBudget.default({}),
  modes: z.array(z.enum(tokenModes)).min(1).default(['api', 'files', 'openai', 'mcp']),
  /** Whether a failure of the model is an HTTP error, as with `Prefer: status=strict`. */
  strictStatus: z.boolean().default(false),
})
export type StoredToken = z.infer<typeof StoredToken>

/** The content of tokens.json. */
export const StoredTokens = z.strictObject({
  version: z.literal(1),
  tokens: z
    .array(StoredToken)
    .max(1_000)
    .refine(tokens => new Set(tokens.map(({ name }) => name)).size === tokens.length, {
      error: 'must have each name once',
    }),
})
export type StoredTokens = z.infer<typeof StoredTokens>
