import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import type { Engine } from '../../../engine.ts'
import { answersIn, keepAnswer } from './keep-answer.ts'
import type { OutsideDirectory } from './outside-directory.ts'

const PAGE = 1000
const AT_ONCE = 100
const TOLD_MAX = 10
/** Half of those that a directory is asked at once: a refresh finds a place beside them. */
const APART_AT_ONCE = 4

/** Somebody of whom the directory could not tell. */
interface Unjudged {
  readonly user: User
  readonly error: HoldfastError
}

/**
 * Asks the directory about users of it, a hundred at most. Who is closed or gone there is out at
 * once, with all sessions; rights follow the groups. The result are those of whom it could not
 * tell: they are as they were. Throws where it cannot be asked at all.
 */
async function recheckUsers(
  engine: Engine,
  outside: OutsideDirectory,
  { users, signal }: { readonly users: readonly User[]; readonly signal?: AbortSignal },
): Promise<Unjudged[]> {
  const bySubject = new Map(users.map(user => [user.outside?.subject ?? '', user]))
  const subjects = [...bySubject.keys()].filter(one => one !== '')
  if (subjects.length === 0) return []
  return await engine.identity.facts.asking(async asked => {
    const unjudged: Unjudged[] = []
    // Each part at once: it may take long to be told of the rest.
    for await (const part of outside.directory.recall(subjects, signal)) {
      const answerAbout = answersIn(part)
      for (const subject of part.subjects) {
        const user = bySubject.get(subject)
        if (user === undefined) continue
        try {
          await keepAnswer(engine, outside, { ...answerAbout(subject), asked, signal })
        } catch (error) {
          if (!isHoldfastError(error) || error.code !== 'IDENTITY_UNAVAILABLE') throw error
          unjudged.push({ user, error })
        }
      }
    }
    return unjudged
  })
}

/** Asks before something new begins for somebody; people of other places are not asked about. */
export async function recheckUser(engine: Engine, user: User | undefined): Promise<void> {
  const { directory } = engine.identity
  if (user?.source !== 'ldap') return
  // Taken out of the settings: nobody can say any more whether it still lets them in.
  if (directory === undefined) {
    throw new HoldfastError('IDENTITY_UNAVAILABLE', { reason: 'no directory is set' })
  }
  const [unjudged] = await recheckUsers(engine, directory, { users: [user] })
  if (unjudged !== undefined) throw unjudged.error
}

/**
 * All active users of the directory; the result are those of whom it could not tell. Those of whom
 * it could not the last time, by id, are asked about behind all others.
 */
export async function recheckDirectory(
  engine: Engine,
  signal: AbortSignal,
  slow: ReadonlySet<string> = new Set(),
): Promise<Unjudged[]> {
  const { directory } = engine.identity
  if (directory === undefined) return []
  const unjudged: Unjudged[] = []
  const behind: User[] = []
  let after = ''
  for (;;) {
    const query = { kind: 'user', after, limit: PAGE } as const
    const page = await engine.catalog.view.identities.list(query)
    const active = page.filter(({ source, status }) => source === 'ldap' && status === 'ACTIVE')
    const asked = active.filter(({ id }) => !slow.has(id))
    behind.push(...active.filter(({ id }) => slow.has(id)))
    for (let at = 0; at < asked.length; at += AT_ONCE) {
      const users = asked.slice(at, at + AT_ONCE)
      unjudged.push(...(await recheckUsers(engine, directory, { users, signal })))
    }
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) break
    after = last.id
  }
  return [...unjudged, ...(await recheckApart(engine, directory, { users: behind, signal }))]
}

/** Each alone, some at once: the directory may need all its time for every one of them. */
async function recheckApart(
  engine: Engine,
  outside: OutsideDirectory,
  { users, signal }: { readonly users: User[]; readonly signal: AbortSignal },
): Promise<Unjudged[]> {
  const unjudged: Unjudged[] = []
  const ask = async () => {
    for (let user = users.shift(); user !== undefined; user = users.shift()) {
      unjudged.push(...(await recheckUsers(engine, outside, { users: [user], signal })))
    }
  }
  try {
    await Promise.all(Array.from({ length: APART_AT_ONCE }, ask))
  } finally {
    // One that threw ends the others.
    users.splice(0)
  }
  return unjudged
}

const SOON_MS = 1000

/**
 * Asks again and again until the signal. A directory that does not answer changes nothing; where
 * the question found no place there, it is asked again soon: who is gone must not stay in.
 */
export async function watchDirectory(engine: Engine, signal: AbortSignal): Promise<void> {
  const { counts, directory, onProblem } = engine.identity
  if (directory === undefined) return
  const { place } = directory.directory
  const roundMs = directory.recheckSeconds * 1000
  // At once: the settings may be others than those by which rights were given.
  let waitMs = 0
  let slow: ReadonlySet<string> = new Set()
  while (!signal.aborted) {
    try {
      if (waitMs > 0) await engine.clock.sleep(waitMs, signal)
      waitMs = roundMs
      const unjudged = await recheckDirectory(engine, signal, slow)
      slow = new Set(unjudged.map(({ user }) => user.id))
      counts.countCheck(place, unjudged.length === 0 ? 'success' : 'partial')
      if (unjudged.length > 0) onProblem(place, partOf(unjudged))
    } catch (error) {
      if (signal.aborted) return
      counts.countCheck(place, 'failed')
      onProblem(place, error)
      const isFull = isHoldfastError(error) && error.code === 'TOO_MANY_REQUESTS'
      if (isFull) waitMs = Math.min(SOON_MS, roundMs)
    }
  }
}

/** One problem of a round, with the first names and the first reason. */
function partOf(unjudged: readonly Unjudged[]): HoldfastError {
  const users = unjudged.slice(0, TOLD_MAX).map(({ user }) => user.username)
  const details = { reason: 'some people could not be checked', count: unjudged.length, users }
  return new HoldfastError('IDENTITY_UNAVAILABLE', details, { cause: unjudged[0]?.error.cause })
}
