import { isDeepStrictEqual, promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { FastifyReply } from 'fastify'
import { holderOf } from './limits/large-answers.ts'
import type { RequestState } from './request-state.ts'

async function requireSame(state: RequestState): Promise<void> {
  const { principal } = state
  await state.renew()
  if (!isDeepStrictEqual(state.principal, principal)) throw new HoldfastError('CHANGED_MEANWHILE')
}

interface JsonAnswer {
  readonly status: number
  readonly body: unknown
}

const COMPRESSED_FROM = 1400
const brotli = promisify(brotliCompress)
const gunzippable = promisify(gzip)

/**
 * JSON with a status, compressed where the caller takes that and it pays. Until all of it is
 * written it may be refused.
 */
export async function sendJson(reply: FastifyReply, { status, body }: JsonAnswer): Promise<void> {
  const { state, method } = reply.request
  const bytes = await written(body, async () => {
    await state.context.engine.lists.next(holderOf(state.principal, state.ip))
    // Nothing of what was found for who may no more by now, or other things.
    if (method === 'GET') await requireSame(state)
  })
  // What changes something was done already, and asked for room before.
  if (method === 'GET') holdAnswer(state, Buffer.byteLength(bytes))
  await sendWritten(reply.code(status), bytes, coding => compress(bytes, coding))
}

/** A large answer that is always the same: written once, and compressed once in each coding. */
export function fixedJson(body: unknown): (reply: FastifyReply) => Promise<void> {
  const bytes = Buffer.from(JSON.stringify(body))
  const made = new Map<Coding, Promise<Buffer>>()
  const compressed = async (coding: Coding) => {
    const one = made.get(coding) ?? compress(bytes, coding)
    made.set(coding, one)
    try {
      return await one
    } catch (error) {
      made.delete(coding)
      throw error
    }
  }
  return async reply => await sendWritten(reply.code(200), bytes, compressed)
}

async function sendWritten(
  reply: FastifyReply,
  bytes: string | Buffer,
  compressed: (coding: Coding) => Promise<Buffer>,
): Promise<void> {
  reply.type('application/json; charset=utf-8')
  if (bytes.length < COMPRESSED_FROM) {
    await reply.send(bytes)
    return
  }
  reply.header('vary', withVary(reply.getHeader('vary')))
  const coding = chosenCoding(reply.request.headers['accept-encoding'])
  if (coding === undefined) {
    await reply.send(bytes)
    return
  }
  // An entity tag of the plain form would be wrong for this one.
  reply.removeHeader('etag').header('content-encoding', coding)
  await reply.send(await compressed(coding))
}

const LONG_LIST = 32
const PIECE_CHARS = 512 * 1024

/**
 * As `JSON.stringify` writes it. A thousand records with all the metadata that they may have take a
 * quarter of a second: they are written a piece in each turn of the event loop.
 */
export async function written(
  body: unknown,
  giveWay: () => Promise<void>,
): Promise<string | Buffer> {
  if (!isPage(body)) return JSON.stringify(body)
  const { items, ...rest } = body
  const whole: Buffer[] = []
  let text = `{"items":[`
  for (const [at, item] of items.entries()) {
    text += `${at === 0 ? '' : ','}${JSON.stringify(item)}`
    if (text.length < PIECE_CHARS) continue
    whole.push(Buffer.from(text))
    text = ''
    await giveWay()
  }
  const others = JSON.stringify(rest)
  text += others === '{}' ? ']}' : `],${others.slice(1)}`
  return whole.length === 0 ? text : Buffer.concat([...whole, Buffer.from(text)])
}

function isPage(body: unknown): body is { readonly items: readonly object[] } {
  if (typeof body !== 'object' || body === null || !('items' in body)) return false
  return Array.isArray(body.items) && body.items.length >= LONG_LIST
}

/** An answer of REST that is as long, until its response is over. */
export function holdAnswer(
  { context, principal, ip, response }: RequestState,
  bytes: number,
): void {
  context.answers.hold(holderOf(principal, ip), bytes, response)
}

type Coding = 'br' | 'gzip'

async function compress(bytes: string | Buffer, coding: Coding): Promise<Buffer> {
  if (coding === 'gzip') return await gunzippable(bytes, { level: 5 })
  return await brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })
}

/** The coding that the caller likes best (RFC 9110 §12.5.3); Brotli when it does not care. */
export function chosenCoding(header: string | undefined): Coding | undefined {
  const weights = new Map<string, number>()
  for (const entry of (header ?? '').split(',').slice(0, 16)) {
    const [name = '', ...parameters] = entry.split(';').map(part => part.trim().toLowerCase())
    const quality = parameters.find(parameter => parameter.startsWith('q='))?.slice(2)
    const weight = quality === undefined ? 1 : Number(quality)
    if (name !== '' && weight >= 0 && weight <= 1) weights.set(name, weight)
  }
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*') ?? 0
  const [br, gz] = [weightOf('br'), weightOf('gzip')]
  if (br === 0 && gz === 0) return undefined
  return br >= gz ? 'br' : 'gzip'
}

function withVary(vary: number | string | string[] | undefined): string {
  return vary === undefined ? 'Accept-Encoding' : `${vary}, Accept-Encoding`
}
