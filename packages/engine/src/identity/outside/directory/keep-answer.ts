import type { User } from '@holdfast/core/identities.ts'
import { type DirectoryEntry, type Recalled, together } from '@holdfast/core/ports/directory.ts'
import { commit } from '../../../commit.ts'
import { type Engine, systemCall } from '../../../engine.ts'
import { adoptEntry, entryId, isAdopted } from './adopt-entry.ts'
import type { OutsideDirectory } from './outside-directory.ts'

interface Answer {
  readonly subject: string
  /** Undefined for who is gone, or of whom more is told than fits. */
  readonly entry: DirectoryEntry | undefined
  readonly isOverfull?: boolean
}

const GONE = 'closed or gone in the directory'
const OVERFULL = 'the directory tells more groups or attributes than can be read'

/** What was said of each; throws for whom the directory could not tell of. */
export function answersIn(recalled: Recalled): (subject: string) => Answer {
  const entries = new Map(recalled.entries.map(entry => [entryId(entry), entry]))
  const overfull = new Set(recalled.overfull)
  const unjudged = new Map(recalled.unjudged.map(({ subject, error }) => [subject, error]))
  return subject => {
    const error = unjudged.get(subject)
    if (error !== undefined) throw error
    const entry = entries.get(entryId({ subject }))
    return { subject, entry, isOverfull: overfull.has(subject) }
  }
}

/**
 * Records what the directory said of somebody. Where another answer was recorded since it was
 * asked and this one differs, the directory is asked anew: it could be the older one. The result
 * is the user as it is recorded now; undefined for who is not let in by the directory.
 */
export async function keepAnswer(
  engine: Engine,
  outside: OutsideDirectory,
  {
    asked,
    signal,
    ...answer
  }: Answer & { readonly asked: number; readonly signal?: AbortSignal | undefined },
): Promise<User | undefined> {
  const { subject } = answer
  const id = entryId(answer)
  return await engine.identity.facts.settle({ id, asked }, async isOvertaken => {
    if (!isOvertaken || (await isKnown(engine, outside, answer))) {
      return await keep(engine, outside, answer)
    }
    const recalled = await together(outside.directory.recall([subject], signal))
    return await keep(engine, outside, answersIn(recalled)(subject))
  })
}

async function isKnown(
  engine: Engine,
  outside: OutsideDirectory,
  answer: Answer,
): Promise<boolean> {
  const { entry } = answer
  const user = await engine.catalog.view.identities.byId('user', entryId(answer))
  if (entry?.isActive !== true) return user?.status !== 'ACTIVE'
  return user !== undefined && (await isAdopted(engine, outside, { entry, user }))
}

async function keep(
  engine: Engine,
  outside: OutsideDirectory,
  answer: Answer,
): Promise<User | undefined> {
  const { entry } = answer
  if (entry?.isActive === true) return await adoptEntry(engine, outside, entry)
  const reason = answer.isOverfull === true ? OVERFULL : GONE
  const id = entryId(answer)
  const args = { id, reason }
  const wasIn = await commit(engine, systemCall('directory'), { name: 'users.close', args })
  const user = wasIn ? await engine.catalog.view.identities.byId('user', id) : undefined
  if (user !== undefined) engine.identity.counts.onClosed(user, reason)
  return undefined
}
