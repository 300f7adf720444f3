import t from 'tap'
import { parseSockets } from '../../../src/audit/sockets.ts'

// Of a running proxy: Squid on two networks, Docker's resolver, Squid's helper, its DNS socket.
const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0350A8C0:0C38 00000000:0000 0A 00000000:00000000 00:00000000 00000000    13        0 155316 1 000000000e1eeafb 100 0 0 10 0
   1: 0B00007F:A8ED 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 156676 1 00000000655668c3 100 0 0 10 0
   2: 0440A8C0:0C38 00000000:0000 0A 00000000:00000000 00:00000000 00000000    13        0 155315 1 00000000c7380f04 100 0 0 10 0
   3: 0100007F:CDE6 0100007F:B123 01 00000000:00000000 00:00000000 00000000    13        0 156866 1 000000002b7595e8 20 4 30 10 -1
   4: 0440A8C0:0C38 0240A8C0:B123 01 00000000:00000000 00:00000000 00000000    13        0 156866 1 000000002b7595e8 20 4 30 10 -1
`
const udp = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
10305: 00000000:A026 00000000:0000 07 00000000:00000000 00:00000000 00000000    13        0 155316 2 00000000058dc8a4 0
`

const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:2253 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 155319 1 00000000841c2918 100 0 0 10 0
   1: 00000000000000000000000001000000:2254 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 155319 1 00000000841c2918 100 0 0 10 0
`

t.test('addresses, ports and who listens are read from the kernel’s table', async t => {
  t.strictSame(parseSockets(tcp), [
    { address: '192.168.80.3', port: 3128, listening: true },
    { address: '192.168.64.4', port: 3128, listening: true },
    { address: '192.168.64.4', port: 3128, listening: false },
  ])
  t.strictSame(parseSockets(udp), [{ address: '0.0.0.0', port: 40998, listening: false }])
  t.strictSame(parseSockets(tcp6), [{ address: '0'.repeat(32), port: 8787, listening: true }])
  t.strictSame(parseSockets(''), [])
})
