import { readFileSync } from 'node:fs'
import { startDns } from './dns.ts'
import { startSites } from './sites.ts'

/**
 * The stand-in internet as a program in a container: sites that say who they are, and the DNS that
 * knows them. Everything it sees is one JSON line on stdout; `docker logs` is how a test asks.
 */
const { TLS_CERT_FILE = '', TLS_KEY_FILE = '', ZONE = '{}' } = process.env
const saw = (event: object) => process.stdout.write(`${JSON.stringify(event)}\n`)
startDns({ zone: JSON.parse(ZONE), saw })
startSites({ cert: readFileSync(TLS_CERT_FILE), key: readFileSync(TLS_KEY_FILE), saw })
process.once('SIGTERM', () => process.exit(0))
