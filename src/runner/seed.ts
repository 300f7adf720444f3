import { writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { answerFirstRun } from './claude/home.ts'
import { makeFolder, openOwn } from './claude/repair.ts'
import { emptyTemporary } from './temporary.ts'

/** The program `claude-secure-seed`, which runs as the agent when a container starts. */
const { CLAUDE_CONFIG_DIR, ANTHROPIC_API_KEY } = process.env
// The agent can close and replace its own folders; the container must start nevertheless.
openOwn(homedir())
makeFolder(join(homedir(), '.claude'))
// Continues after this program ended.
void emptyTemporary()
answerFirstRun(CLAUDE_CONFIG_DIR ?? homedir(), '/workspace', ANTHROPIC_API_KEY)
writeFileSync('/run/claude-ready', '')
