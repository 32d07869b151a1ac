// REST whose quick requests are answered only after the check of a signature as S3 has it, and
// which keeps the MD5 of what is put, as an ETag needs it: the floor of signed GETs and PUTs.
// Settings come from the environment, as those of `holdfast serve`.
import { hash, timingSafeEqual } from 'node:crypto'
import { parseSettings } from '@holdfast/server/config/parse-settings.ts'
import { type Context, openContext } from '@holdfast/server/context.ts'
import { healthOperations } from '@holdfast/server/doors/health/operations.ts'
import { directGets } from '@holdfast/server/doors/rest/direct/direct-gets.ts'
import { PlainContents } from '@holdfast/server/doors/rest/direct/plain-content.ts'
import { type PlainPut, PlainPuts } from '@holdfast/server/doors/rest/direct/plain-puts.ts'
import { quickGets } from '@holdfast/server/doors/rest/direct/quick-gets.ts'
import { quickPuts } from '@holdfast/server/doors/rest/direct/quick-puts.ts'
import { restOperations } from '@holdfast/server/doors/rest/operations.ts'
import { statusOf } from '@holdfast/server/doors/rest/statuses.ts'
import { signingKey } from '@holdfast/server/doors/s3/auth/signing.ts'
import { type PlainHeaders, plainHeaders } from '@holdfast/server/http/direct/plain-headers.ts'
import { type PutHeaders, putHeaders } from '@holdfast/server/http/direct/put-headers.ts'
import {
  SILENT_BODY_MS,
  takeQuickly,
} from '@holdfast/server/http/direct/quick/quick-connections.ts'
import { KEEP_ALIVE_MS, openHttp } from '@holdfast/server/http/open-http.ts'
import { registerRoutes } from '@holdfast/server/http/register-routes.ts'
import { SIGNATURE_HEADER, signer } from '../servers/holdfast.ts'

const SIGNATURE_CHARS = 64
const HEADERS_MS = 10_000

/** What is checked of a head, which is the same in all requests of one client but for its end. */
interface Signature {
  readonly host: string
  readonly time: string
  readonly signature: string
}

interface SignedGet extends Signature {
  readonly plain: PlainHeaders
}

interface SignedPut extends Signature {
  readonly plain: PutHeaders
  readonly length: number
}

function signatureOf(raw: readonly string[]): Signature | undefined {
  let [host, time, signed] = ['', '', '']
  for (let at = 0; at < raw.length; at += 2) {
    const value = raw[at + 1] ?? ''
    if (raw[at] === 'host') host = value
    else if (raw[at] === 'x-amz-date') time = value
    else if (raw[at] === SIGNATURE_HEADER) signed = value
  }
  const signature = signed.slice(-SIGNATURE_CHARS)
  return signature.length === SIGNATURE_CHARS ? { host, time, signature } : undefined
}

function signedGet(raw: readonly string[]): SignedGet | undefined {
  const [plain, signature] = [plainHeaders(raw), signatureOf(raw)]
  return plain && signature && { ...signature, plain }
}

const SIGNED = new Set(['x-amz-date', 'x-amz-content-sha256', SIGNATURE_HEADER])

function signedPut(raw: readonly string[]): SignedPut | undefined {
  const kept = raw.filter((_, at) => !SIGNED.has(raw[at - (at % 2)] ?? ''))
  const [plain, signature] = [putHeaders(kept), signatureOf(raw)]
  return plain && signature && { ...signature, plain, length: plain.length }
}

const given = Buffer.alloc(SIGNATURE_CHARS)
const expected = Buffer.alloc(SIGNATURE_CHARS)
let key: { readonly day: string; readonly signing: ReturnType<typeof signingKey> } | undefined

/** Of all that S3 does, only this: one SHA-256, one HMAC, one comparison. */
function isSigned(method: string, url: string, { host, time, signature }: Signature): boolean {
  const day = time.slice(0, 8)
  const { region, secret } = signer
  if (key?.day !== day) key = { day, signing: signingKey(secret, { day, region }) }
  const canonical =
    `${method}\n${url}\n\nhost:${host}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:${time}\n\n` +
    'host;x-amz-content-sha256;x-amz-date\nUNSIGNED-PAYLOAD'
  const digest = hash('sha256', canonical, 'hex')
  const text = `AWS4-HMAC-SHA256\n${time}\n${day}/${region}/s3/aws4_request\n${digest}`
  given.write(signature, 'latin1')
  expected.write(key.signing.sign(text), 'latin1')
  return timingSafeEqual(given, expected)
}

class HashedPuts extends PlainPuts {
  protected override inputOf(put: PlainPut, bytes: Uint8Array) {
    return { ...super.inputOf(put, bytes), md5: true }
  }
}

function openRest(context: Context) {
  const contents = new PlainContents(context)
  const quick = quickGets(context, contents, KEEP_ALIVE_MS)
  const quickPut = quickPuts(context, new HashedPuts(context), KEEP_ALIVE_MS)
  const direct = directGets(context, contents)
  const app = openHttp(context, statusOf, { direct, quick, quickPut })
  registerRoutes(app, context, { ...restOperations, ...healthOperations })
  // Before those of REST, which get whatever is not signed.
  takeQuickly(app.server, {
    connections: context.connections,
    quick: (head, socket) => {
      if (head.method !== 'GET' || !isSigned('GET', head.url, head.headers)) return undefined
      return quick({ ...head, headers: head.headers.plain }, socket)
    },
    readHeaders: signedGet,
    puts: {
      take: (head, socket) => {
        if (!isSigned('PUT', head.url, head.headers)) return undefined
        return quickPut({ ...head, headers: head.headers.plain }, socket)
      },
      readHeaders: signedPut,
      silentMs: SILENT_BODY_MS,
      refuseCut: socket => socket.destroy(),
    },
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
