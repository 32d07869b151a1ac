import { HoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import { byteLength } from '@holdfast/core/names.ts'
import type { DirectoryEntry } from '@holdfast/core/ports/directory.ts'
import type { Engine } from '../../../engine.ts'
import type { Place } from '../../passwords/fair-line.ts'
import { countFailure, lockEndMs, requireNameUnlocked } from '../../sessions/lockout.ts'
import { lineOfName } from '../../turns.ts'
import { PASSWORD_BYTES_MAX } from '../../users/password-policy.ts'
import { entryId } from './adopt-entry.ts'
import { keepAnswer } from './keep-answer.ts'
import type { OutsideDirectory } from './outside-directory.ts'

interface Attempt<T> {
  readonly name: string
  readonly password: string
  readonly place: Place
  /** Done for the right password, before the next guess at the same entry is looked at. */
  readonly work: (user: User) => Promise<T>
}

const NAME_CHARS_MAX = 254

/**
 * The active user of the directory with that password, by the rules of a local login: the same
 * answers, the same writes and locks for names that nobody has, and the work of a local password
 * beside the questions to the directory, so that the time does not tell where a name belongs.
 * Guesses at one entry take turns under whatever name they come, and each is counted before the
 * directory is asked about the next.
 */
export async function checkDirectory<T>(
  engine: Engine,
  outside: OutsideDirectory,
  attempt: Attempt<T>,
): Promise<T> {
  // Those under one name take turns before whose it is is known: each costs a question and the
  // work of a password, and who proves a session has no limit of an address.
  return await engine.identity.turns.take(`directory ${attempt.name}`, async () => {
    return await engine.identity.facts.asking(async asked => {
      return await checkNext(engine, outside, { ...attempt, asked })
    })
  })
}

async function checkNext<T>(
  engine: Engine,
  outside: OutsideDirectory,
  { name, password, place, work, asked }: Attempt<T> & { readonly asked: number },
): Promise<T> {
  requireNameUnlocked(engine, name)
  const fits = byteLength(password) <= PASSWORD_BYTES_MAX
  const effort = engine.identity.hasher.of(place).verify(fits ? password : '', undefined)
  // Awaited below; the directory may be the first to fail.
  effort.catch(() => {})
  const entry = name.length > NAME_CHARS_MAX ? undefined : await outside.directory.find(name)
  const account = entry === undefined ? name : entryId(entry)
  const line = entry === undefined ? lineOfName(name) : account
  return await engine.identity.turns.take(line, async () => {
    // A name is no id: whoever types one must not reach that account.
    const user = entry && (await engine.catalog.view.identities.byId('user', account))
    requireNameUnlocked(engine, name)
    // Locked by guesses under another name of it: answered as if nobody had this one.
    const open = entry !== undefined && !isLocked(engine, user, account) ? entry : undefined
    const isRight = open !== undefined && fits && (await outside.directory.verify(open, password))
    const refusal = await effort.then(() => undefined, asRefusal)
    if (refusal !== undefined && isRight) throw refusal
    if (open !== undefined && isRight) {
      return await work(await admitted(engine, outside, { entry: open, asked }))
    }
    // The directory was asked: a guess counts as well where its work found no place.
    // An entry that nobody of has logged in yet is counted by its id.
    const ids = open !== undefined && user === undefined ? [account] : []
    await countFailure(engine, { user: open && user, names: [name, ...ids] })
    throw refusal ?? new HoldfastError('UNAUTHENTICATED')
  })
}

function asRefusal(error: unknown): Error {
  return error instanceof Error ? error : new Error('no reason given', { cause: error })
}

function isLocked({ clock, identity }: Engine, user: User | undefined, account: string): boolean {
  const nowMs = clock.now()
  if (user !== undefined) return lockEndMs(user, nowMs) !== undefined
  return identity.guessedNames.lockedUntilMs(account, nowMs) !== undefined
}

async function admitted(
  engine: Engine,
  outside: OutsideDirectory,
  { entry, asked }: { readonly entry: DirectoryEntry; readonly asked: number },
): Promise<User> {
  const user = await keepAnswer(engine, outside, { subject: entry.subject, entry, asked })
  if (user?.status !== 'ACTIVE') throw new HoldfastError('ACCOUNT_DISABLED')
  return user
}
