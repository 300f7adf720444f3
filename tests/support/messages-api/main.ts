import { readFileSync } from 'node:fs'
import { startStandIn } from './stand-in.ts'

/** The stand-in as a program: HTTP_PORT, and HTTPS_PORT with TLS_CERT_FILE and TLS_KEY_FILE. */
const { HTTP_PORT, HTTPS_PORT, TLS_CERT_FILE, TLS_KEY_FILE } = process.env
const standIn = await startStandIn({
  host: '0.0.0.0',
  httpPort: Number(HTTP_PORT ?? '80'),
  httpsPort: Number(HTTPS_PORT ?? '443'),
  tls:
    TLS_CERT_FILE && TLS_KEY_FILE
      ? { cert: readFileSync(TLS_CERT_FILE, 'utf8'), key: readFileSync(TLS_KEY_FILE, 'utf8') }
      : undefined,
})
process.stdout.write(`${standIn.httpUrl} ${standIn.httpsUrl}\n`)
process.once('SIGTERM', () => {
  void standIn.close().then(() => process.exit(0))
})
