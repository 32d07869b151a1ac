import type { User } from '@holdfast/core/identities.ts'
import type { DirectoryEntry } from '@holdfast/core/ports/directory.ts'
import { commit } from '../../../commit.ts'
import { type Engine, systemCall } from '../../../engine.ts'
import { adoptEntry, entryId, isAdopted } from './adopt-entry.ts'
import type { OutsideDirectory } from './outside-directory.ts'

interface Answer {
  readonly subject: string
  /** Undefined for who is gone. */
  readonly entry: DirectoryEntry | undefined
}

/** What became of the user: as it is recorded now, or not let in by the directory. */
export type Kept =
  | { readonly user: User }
  /** `wasIn`: until now. */
  | { readonly user: undefined; readonly wasIn: boolean }

/**
 * Records what the directory said of somebody. Where another answer was recorded since it was
 * asked and this one differs, the directory is asked anew: it could be the older one.
 */
export async function keepAnswer(
  engine: Engine,
  outside: OutsideDirectory,
  { asked, ...answer }: Answer & { readonly asked: number },
): Promise<Kept> {
  const { subject } = answer
  const id = entryId(answer)
  return await engine.identity.facts.settle({ id, asked }, async isOvertaken => {
    if (!isOvertaken || (await isKnown(engine, outside, answer))) {
      return await keep(engine, outside, answer)
    }
    const [entry] = await outside.directory.recall([subject])
    return await keep(engine, outside, { subject, entry })
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
  return user !== undefined && isAdopted(outside, entry, user)
}

async function keep(engine: Engine, outside: OutsideDirectory, answer: Answer): Promise<Kept> {
  const { entry } = answer
  if (entry?.isActive === true) return { user: await adoptEntry(engine, outside, entry) }
  const args = { id: entryId(answer), reason: 'closed or gone in the directory' }
  const call = systemCall('directory')
  return { user: undefined, wasIn: await commit(engine, call, { name: 'users.close', args }) }
}
