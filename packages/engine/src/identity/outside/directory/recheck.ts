import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import type { Engine } from '../../../engine.ts'
import { entryId } from './adopt-entry.ts'
import { keepAnswer } from './keep-answer.ts'
import type { OutsideDirectory } from './outside-directory.ts'

const PAGE = 1000

/**
 * Asks the directory about users of it. Who is closed or gone there is out at once, with all
 * sessions; rights follow the groups. The result are those who were shut out.
 */
export async function recheckUsers(
  engine: Engine,
  outside: OutsideDirectory,
  users: readonly User[],
): Promise<User[]> {
  const subjects = users.map(user => user.outside?.subject ?? '').filter(one => one !== '')
  if (subjects.length === 0) return []
  return await engine.identity.facts.asking(async asked => {
    const entries = await outside.directory.recall(subjects)
    const byId = new Map(entries.map(entry => [entryId(entry), entry]))
    const closed: User[] = []
    for (const user of users) {
      const subject = user.outside?.subject ?? ''
      const answer = { subject, entry: byId.get(user.id), asked }
      const kept = await keepAnswer(engine, outside, answer)
      if (kept.user === undefined && kept.wasIn) closed.push(user)
    }
    return closed
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
  await recheckUsers(engine, directory, [user])
}

/** All active users of the directory. */
export async function recheckDirectory(engine: Engine): Promise<User[]> {
  const { directory } = engine.identity
  if (directory === undefined) return []
  const closed: User[] = []
  let after = ''
  for (;;) {
    const query = { kind: 'user', after, limit: PAGE } as const
    const page = await engine.catalog.view.identities.list(query)
    const asked = page.filter(({ source, status }) => source === 'ldap' && status === 'ACTIVE')
    closed.push(...(await recheckUsers(engine, directory, asked)))
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return closed
    after = last.id
  }
}

export interface Watching {
  readonly signal: AbortSignal
  /** Told who was shut out. */
  readonly onClosed: (user: User) => void
}

const SOON_MS = 1000

/**
 * Asks again and again until the signal. A directory that does not answer changes nothing; where
 * the question found no place there, it is asked again soon: who is gone must not stay in.
 */
export async function watchDirectory(
  engine: Engine,
  { signal, onClosed }: Watching,
): Promise<void> {
  const { directory, onProblem } = engine.identity
  if (directory === undefined) return
  const roundMs = directory.recheckSeconds * 1000
  let waitMs = roundMs
  while (!signal.aborted) {
    try {
      await engine.clock.sleep(waitMs, signal)
      waitMs = roundMs
      for (const user of await recheckDirectory(engine)) onClosed(user)
    } catch (error) {
      if (signal.aborted) return
      onProblem(directory.directory.place, error)
      const isFull = isHoldfastError(error) && error.code === 'TOO_MANY_REQUESTS'
      if (isFull) waitMs = Math.min(SOON_MS, roundMs)
    }
  }
}
