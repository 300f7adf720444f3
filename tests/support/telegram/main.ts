import { readFileSync } from 'node:fs'
import { startTelegram } from './stand-in.ts'

/** The stand-in as a program in a container: the API on 443, and its control on 80. */
const { TLS_CERT_FILE = '', TLS_KEY_FILE = '' } = process.env
const telegram = await startTelegram({
  host: '0.0.0.0',
  httpPort: 80,
  httpsPort: 443,
  tls: { cert: readFileSync(TLS_CERT_FILE), key: readFileSync(TLS_KEY_FILE) },
})
process.stdout.write(`${telegram.url} ${telegram.httpsUrl}\n`)
process.once('SIGTERM', () => {
  void telegram.close().then(() => process.exit(0))
})
