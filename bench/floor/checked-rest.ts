// REST whose quick reads are answered only after the check of a signature as S3 has it: the floor
// of a signed GET. Settings come from the environment, as those of `holdfast serve`.
import { hash, timingSafeEqual } from 'node:crypto'
import { parseSettings } from '@holdfast/server/config/parse-settings.ts'
import { type Context, openContext } from '@holdfast/server/context.ts'
import { healthOperations } from '@holdfast/server/doors/health/operations.ts'
import { directGets } from '@holdfast/server/doors/rest/direct/direct-gets.ts'
import { PlainContents } from '@holdfast/server/doors/rest/direct/plain-content.ts'
import { PlainPuts } from '@holdfast/server/doors/rest/direct/plain-puts.ts'
import { quickGets } from '@holdfast/server/doors/rest/direct/quick-gets.ts'
import { quickPuts } from '@holdfast/server/doors/rest/direct/quick-puts.ts'
import { restOperations } from '@holdfast/server/doors/rest/operations.ts'
import { statusOf } from '@holdfast/server/doors/rest/statuses.ts'
import { signingKey } from '@holdfast/server/doors/s3/auth/signing.ts'
import { type PlainHeaders, plainHeaders } from '@holdfast/server/http/direct/plain-headers.ts'
import { takeQuickly } from '@holdfast/server/http/direct/quick/quick-connections.ts'
import { KEEP_ALIVE_MS, openHttp } from '@holdfast/server/http/open-http.ts'
import { registerRoutes } from '@holdfast/server/http/register-routes.ts'
import { SIGNATURE_HEADER, signer } from '../servers/holdfast.ts'

const SIGNATURE_CHARS = 64
const HEADERS_MS = 10_000

/** What is checked of a head, which is the same in all requests of one client but for its end. */
interface SignedHeaders {
  readonly plain: PlainHeaders
  readonly host: string
  readonly time: string
  readonly signature: string
}

function signedHeaders(raw: readonly string[]): SignedHeaders | undefined {
  const plain = plainHeaders(raw)
  let [host, time, signed] = ['', '', '']
  for (let at = 0; at < raw.length; at += 2) {
    const value = raw[at + 1] ?? ''
    if (raw[at] === 'host') host = value
    else if (raw[at] === 'x-amz-date') time = value
    else if (raw[at] === SIGNATURE_HEADER) signed = value
  }
  const signature = signed.slice(-SIGNATURE_CHARS)
  if (plain === undefined || signature.length !== SIGNATURE_CHARS) return undefined
  return { plain, host, time, signature }
}

const given = Buffer.alloc(SIGNATURE_CHARS)
const expected = Buffer.alloc(SIGNATURE_CHARS)
let key: { readonly day: string; readonly signing: ReturnType<typeof signingKey> } | undefined

/** Of all that S3 does, only this: one SHA-256, one HMAC, one comparison. */
function isSigned(url: string, { host, time, signature }: SignedHeaders): boolean {
  const day = time.slice(0, 8)
  const { region, secret } = signer
  if (key?.day !== day) key = { day, signing: signingKey(secret, { day, region }) }
  const canonical =
    `GET\n${url}\n\nhost:${host}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:${time}\n\n` +
    'host;x-amz-content-sha256;x-amz-date\nUNSIGNED-PAYLOAD'
  const digest = hash('sha256', canonical, 'hex')
  const text = `AWS4-HMAC-SHA256\n${time}\n${day}/${region}/s3/aws4_request\n${digest}`
  given.write(signature, 'latin1')
  expected.write(key.signing.sign(text), 'latin1')
  return timingSafeEqual(given, expected)
}

function openRest(context: Context) {
  const contents = new PlainContents(context)
  const quick = quickGets(context, contents, KEEP_ALIVE_MS)
  const app = openHttp(context, statusOf, {
    direct: directGets(context, contents),
    quick,
    quickPut: quickPuts(context, new PlainPuts(context), KEEP_ALIVE_MS),
  })
  registerRoutes(app, context, { ...restOperations, ...healthOperations })
  // Before those of REST, which get whatever is not signed: objects are put without.
  takeQuickly(app.server, {
    quick: (head, socket) => {
      if (head.method !== 'GET' || !isSigned(head.url, head.headers)) return undefined
      return quick({ ...head, headers: head.headers.plain }, socket)
    },
    readHeaders: signedHeaders,
    ...{ headersMs: HEADERS_MS, keepAliveMs: KEEP_ALIVE_MS },
    refuseSilent: socket => socket.destroy(),
  })
  return app
}

const { settings } = parseSettings({ env: process.env })
const { context, close } = await openContext({ settings })
const app = openRest(context)
await app.listen({ host: settings.host, port: settings.port })
process.once('SIGTERM', async () => {
  await app.close()
  await close()
  process.exit(0)
})
