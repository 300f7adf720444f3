import t from 'tap'
import { request } from 'undici'
import type { Credential } from '../../../src/gateway/credential.ts'
import { createMessagesProvider } from '../../../src/gateway/provider/create-provider.ts'
import { apiKey, genuine, placeholder, sentinel, startGateway, startOrigin } from './fixture.ts'

t.test(
  "a company's gateway gets the routes below its path, with a key or a bearer token",
  async t => {
    const seen: { url: string; headers: string }[] = []
    const origin = await startOrigin(t, (request, response) => {
      seen.push({ url: request.url ?? '', headers: JSON.stringify(request.headers) })
      response.setHeader('content-type', 'application/json')
      response.end('{}')
    })
    const bearer: Credential = { kind: 'bearer', secret: `${sentinel}-bearer`, placeholder }
    for (const credential of [apiKey, bearer]) {
      const { url } = await startGateway(t, {
        upstream: origin,
        credential,
        provider: upstream => createMessagesProvider(upstream, '/anthropic'),
      })
      for (const path of ['/v1/messages?beta=true', '/v1/messages/count_tokens']) {
        const answer = await request(`${url}${path}`, {
          method: 'POST',
          headers: genuine,
          body: '{}',
        })
        t.equal(answer.statusCode, 200)
        await answer.body.dump()
      }
    }
    t.same(
      seen.map(({ url }) => url),
      Array(2)
        .fill(['/anthropic/v1/messages?beta=true', '/anthropic/v1/messages/count_tokens'])
        .flat(),
    )
    t.match(seen[0]?.headers, `"x-api-key":"${apiKey.secret}"`)
    t.match(seen[2]?.headers, `"authorization":"Bearer ${bearer.secret}"`)
    t.notMatch(seen[2]?.headers, /oauth-2025|x-api-key/)
    t.notMatch(JSON.stringify(seen), 'placeholder')
  },
)
