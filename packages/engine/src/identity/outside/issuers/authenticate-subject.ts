import { HoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import { commit } from '../../../commit.ts'
import { type Engine, systemCall } from '../../../engine.ts'
import { type MadePrincipal, principalOfUser } from '../../principal-of-user.ts'
import type { AdoptArgs } from '../adopt-transaction.ts'
import { type Standing, standingFor, together } from '../mapping.ts'
import { fitEmail, fitUsername } from '../profile.ts'
import { type CheckedForeign, checkForeign } from './check-foreign.ts'
import { textAt, wordsAt } from './claims.ts'
import { type Issuer, keysOf } from './issuer.ts'
import type { KnownIssuer } from './issuer-list.ts'

export interface MadeSubject extends MadePrincipal {
  readonly expiresMs: number
}

/** The record follows what tokens say, but tokens that differ must not cause a write each. */
const RECORD_MS = 60_000

/**
 * Who a token of another issuer speaks for: a user whose roles come from that token alone, through
 * the map of the settings. Grants, groups, access lists and an administrator's INACTIVE are asked
 * of the catalog, as for everybody. Seen the first time, the user is recorded.
 */
export async function authenticateSubject(
  engine: Engine,
  token: string,
  known: KnownIssuer,
): Promise<MadeSubject> {
  const checked = await checkForeign(engine, token, known)
  const args = adoption(known.issuer, checked)
  const record = await recorded(engine, args)
  if (record.status !== 'ACTIVE') throw new HoldfastError('UNAUTHENTICATED')
  const { roles, outside } = args
  const user: User = { ...record, roles, outside: { ...outside, closed: false } }
  const { principal, madeOf } = await principalOfUser(engine, user)
  const issuerId = keysOf(known.issuer.issuer)
  return { principal, madeOf: [...madeOf, issuerId], expiresMs: checked.expiresMs }
}

/**
 * Who a token speaks for that is only asked about: nobody is recorded, and nothing is said of what
 * it opens. UNAUTHENTICATED where the subject was shut out here.
 */
export async function lookAtSubject(
  engine: Engine,
  token: string,
  known: KnownIssuer,
): Promise<{ readonly id: string; readonly name: string; readonly expiresMs: number }> {
  const checked = await checkForeign(engine, token, known)
  const { id, username: name } = adoption(known.issuer, checked)
  const record = await engine.catalog.view.identities.byId('user', id)
  if (record !== undefined && record.status !== 'ACTIVE') throw new HoldfastError('UNAUTHENTICATED')
  return { id, name, expiresMs: checked.expiresMs }
}

/** What the maps of the issuer make of the claims. */
export function standingOfClaims(issuer: Issuer, payload: object): Standing {
  const mapped = issuer.maps.map(({ claim, mapping }) => {
    return standingFor(mapping, wordsAt(payload, claim))
  })
  return together([issuer.always, ...mapped])
}

function adoption(issuer: Issuer, { payload, subject, id }: CheckedForeign): AdoptArgs {
  const { roles, permissions, groups } = standingOfClaims(issuer, payload)
  const name = textAt(payload, issuer.claims.name) ?? subject
  return {
    id,
    source: 'token',
    outside: { issuer: issuer.issuer, subject, permissions, groups },
    username: fitUsername(name),
    email: fitEmail(textAt(payload, issuer.claims.email)),
    ...{ firstName: '', lastName: '', roles, buckets: null, names: [] },
  }
}

async function recorded(engine: Engine, args: AdoptArgs): Promise<User> {
  const record = await engine.catalog.view.identities.byId('user', args.id)
  if (record !== undefined) {
    const ageMs = engine.clock.now() - Date.parse(record.updatedAt)
    const isOurs = record.outside?.issuer === args.outside.issuer
    if (isOurs && record.outside?.subject === args.outside.subject && ageMs < RECORD_MS) {
      return record
    }
  }
  return await commit(engine, systemCall('token'), { name: 'users.adopt', args })
}
