import { createHash } from 'node:crypto'
import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import { toBase64Url } from '../../base64url.ts'
import { commit } from '../../commit.ts'
import { type Engine, systemCall } from '../../engine.ts'
import type { DueMail } from '../mail/mail-queue.ts'
import { notify } from '../mail/notify.ts'
import { resetMail } from '../mail/texts.ts'
import { placeOf } from '../passwords/place-of.ts'
import { nextPassword, requirePolicy } from '../users/password-policy.ts'
import { namesOf } from '../users/user-transactions.ts'
import { canReset } from './reset-transactions.ts'

const TOKEN_BYTES = 32

/**
 * Asks for a mail with a token. Nothing here depends on the name: the account is looked for later,
 * when the answer has gone out, so that neither answer nor time tells whether there is one.
 */
export function requestReset(
  engine: Engine,
  { name, ip }: { readonly name: string; readonly ip: string },
): void {
  const { mails, resetsByAddress } = engine.identity
  if (mails === undefined) throw new HoldfastError('RESET_UNAVAILABLE')
  const waitMs = resetsByAddress.take(ip, engine.clock.monotonic())
  if (waitMs !== undefined) {
    throw new HoldfastError('TOO_MANY_REQUESTS', { retry_after: Math.ceil(waitMs / 1000) })
  }
  if (!mails.add(async () => await prepare(engine, name))) {
    throw new HoldfastError('TOO_MANY_REQUESTS')
  }
}

async function prepare(engine: Engine, name: string): Promise<DueMail | undefined> {
  const { catalog, clock, identity, random } = engine
  identity.tokens.stir()
  const found = await catalog.view.identities.byName('user', name.toLowerCase())
  if (found === undefined || !canReset(found)) return undefined
  if (!identity.resetsByUser.take(found.id, clock.monotonic()).allowed) return undefined
  const { resetSeconds, resetUrl: pageUrl } = identity.settings
  const token = toBase64Url(random.bytes(TOKEN_BYTES))
  const expiresAt = new Date(clock.now() + resetSeconds * 1000).toISOString()
  const args = { userId: found.id, hash: hashOf(token), expiresAt }
  const user = await commit(engine, systemCall('reset'), { name: 'resets.begin', args })
  if (user === undefined || user.email === null) return undefined
  const minutes = Math.floor(resetSeconds / 60)
  const content = resetMail({ username: user.username, token, pageUrl, minutes })
  const mail = { to: user.email, ...content }
  return { about: 'password reset', userId: user.id, mail }
}

/**
 * A new password for who holds the token. RESET_INVALID for one that is used, old, replaced or none
 * of ours; a password that breaks the rules leaves it good. Nobody is logged in by this.
 */
export async function resetByMail(
  engine: Engine,
  call: Call,
  given: { readonly token: string; readonly newPassword: string },
): Promise<User> {
  const hash = hashOf(given.token)
  const { id } = await ownerOf(engine, hash)
  // One token is tried as often as its holder likes: all of it in one line, apart from that of
  // guesses, or nobody else could log in meanwhile.
  const user = await engine.identity.turns.take(`reset ${id}`, async () => {
    const before = await ownerOf(engine, hash)
    const { newPassword } = given
    requirePolicy(newPassword, namesOf(before))
    const now = new Date(engine.clock.now()).toISOString()
    const chosen = { password: newPassword, mustChange: false, now }
    const hasher = engine.identity.hasher.of(placeOf(call, `reset ${id}`))
    const password = await nextPassword(hasher, chosen, before.password)
    const own = { ...call, principal: { ...call.principal, id } }
    return await commit(engine, own, { name: 'resets.use', args: { hash, password } })
  })
  notify(engine, user, 'The password was reset by e-mail')
  return user
}

/** Whose token it is, if it is good. */
async function ownerOf({ catalog, clock }: Engine, hash: string): Promise<User> {
  const { identities } = catalog.view
  const reset = await identities.byName('password_reset', hash)
  const now = new Date(clock.now()).toISOString()
  if (reset === undefined || reset.expiresAt <= now) throw new HoldfastError('RESET_INVALID')
  const owner = await identities.byId('user', reset.belongsTo ?? '')
  if (owner === undefined || !canReset(owner)) throw new HoldfastError('RESET_INVALID')
  return owner
}

/** A token has 256 random bits, so that a plain hash is enough. */
function hashOf(token: string): string {
  return createHash('sha256').update(`holdfast-reset-v1\n${token}`).digest('hex')
}
