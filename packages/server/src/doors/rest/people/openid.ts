import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import { OpenIdFault } from '@holdfast/core/ports/openid.ts'
import { beginOpenId, finishOpenId } from '@holdfast/engine/identity/outside/openid/openid-login.ts'
import { loginOpenId } from '@holdfast/engine/identity/sessions/login.ts'
import type { FastifyReply } from 'fastify'
import { type Operations, type Scope, type Sent, sent } from '../../../http/exchange.ts'
import { splitUrl } from '../../../http/parse/raw-path.ts'
import { tokenWire } from '../wire/identity-wire.ts'
import { loggedIn } from './logged-in.ts'
import { originOf } from './origin.ts'

type Names = 'beginOpenId' | 'finishOpenId' | 'redeemOpenId'

const COOKIE = 'holdfast-oidc'
const PATH = '/api/v2/auth/oidc'
export const OPENID_LOGIN = `${PATH}/login`

export const openIdOperations: Pick<Operations, Names> = {
  beginOpenId: async ({ context, query, reply, request }) => {
    const { return_to: returnTo, challenge } = query
    const { ip } = request.state
    requireWindow(request.headers['sec-fetch-dest'])
    const begun = () => beginOpenId(context.engine, { returnTo, challenge, ip })
    const { address, binding } = await withFault(request, begun)
    reply.header('set-cookie', cookie(context, binding, 600))
    return await redirect(reply, address)
  },

  finishOpenId: async ({ context, request, reply }) => {
    const { query } = splitUrl(request.raw.url ?? '')
    const binding = bindingOf(request.headers.cookie)
    const address = await withFault(request, () => finishOpenId(context.engine, { query, binding }))
    reply.header('set-cookie', cookie(context, '', 0))
    return await redirect(reply, address)
  },

  redeemOpenId: async exchange => {
    const { context, body, request } = exchange
    const { user, tokens } = await loginOpenId(context.engine, body, originOf(exchange))
    request.state.told = { username: user.username }
    request.state.principal = await loggedIn(context, { user, tokens })
    return tokenWire(tokens)
  },
}

/** Why it failed stands in the audit log alone: no browser is told what is wrong with settings. */
async function withFault<T>(request: Scope['request'], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const fault = isHoldfastError(error) ? error.cause : undefined
    if (fault instanceof OpenIdFault) request.state.told = { reason: fault.message }
    throw error
  }
}

/**
 * Pages of others can hold frames and pictures, as many as they like: these would use up the logins
 * that an address may begin (Fetch Metadata, §2.1). Programs and old browsers say nothing.
 */
function requireWindow(destination: string | string[] | undefined): void {
  if (destination === undefined || destination === 'document') return
  throw new HoldfastError('FORBIDDEN', { reason: 'a login begins in a window of its own' })
}

/** Lax: the browser comes back from another site. Nothing but the callback ever reads it. */
function cookie({ settings }: Scope['context'], value: string, seconds: number): string {
  const { publicUrl, tlsCertFile } = settings
  const isTls = publicUrl?.startsWith('https:') ?? tlsCertFile !== undefined
  // The callback lies below the address that browsers see.
  const below = publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/$/, '')
  const kind = `Max-Age=${seconds}; Path=${below}${PATH}; HttpOnly; SameSite=Lax`
  return `${COOKIE}=${value}; ${kind}${isTls ? '; Secure' : ''}`
}

function bindingOf(header: string | undefined): string | undefined {
  const pairs = (header ?? '').split(';').map(pair => pair.trim())
  const own = pairs.filter(pair => pair.startsWith(`${COOKIE}=`))
  // Two would leave open which one the browser got here.
  return own.length === 1 ? own[0]?.slice(COOKIE.length + 1) : undefined
}

async function redirect(reply: FastifyReply, address: string): Promise<Sent> {
  await reply.code(302).header('location', address).send()
  return sent
}
