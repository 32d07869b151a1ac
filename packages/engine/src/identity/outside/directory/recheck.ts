import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import type { Engine } from '../../../engine.ts'
import { answersIn, keepAnswer } from './keep-answer.ts'
import type { OutsideDirectory } from './outside-directory.ts'

const PAGE = 1000
const AT_ONCE = 100
const TOLD_MAX = 10

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
  const subjectOf = (user: User) => user.outside?.subject ?? ''
  const subjects = users.map(subjectOf).filter(one => one !== '')
  if (subjects.length === 0) return []
  return await engine.identity.facts.asking(async asked => {
    const answerAbout = answersIn(await outside.directory.recall(subjects, signal))
    const unjudged: Unjudged[] = []
    for (const user of users) {
      try {
        await keepAnswer(engine, outside, { ...answerAbout(subjectOf(user)), asked })
      } catch (error) {
        if (!isHoldfastError(error) || error.code !== 'IDENTITY_UNAVAILABLE') throw error
        unjudged.push({ user, error })
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

/** All active users of the directory; the result are those of whom it could not tell. */
export async function recheckDirectory(engine: Engine, signal: AbortSignal): Promise<Unjudged[]> {
  const { directory } = engine.identity
  if (directory === undefined) return []
  const unjudged: Unjudged[] = []
  let after = ''
  for (;;) {
    const query = { kind: 'user', after, limit: PAGE } as const
    const page = await engine.catalog.view.identities.list(query)
    const asked = page.filter(({ source, status }) => source === 'ldap' && status === 'ACTIVE')
    for (let at = 0; at < asked.length; at += AT_ONCE) {
      const users = asked.slice(at, at + AT_ONCE)
      unjudged.push(...(await recheckUsers(engine, directory, { users, signal })))
    }
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return unjudged
    after = last.id
  }
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
  while (!signal.aborted) {
    try {
      if (waitMs > 0) await engine.clock.sleep(waitMs, signal)
      waitMs = roundMs
      const unjudged = await recheckDirectory(engine, signal)
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
