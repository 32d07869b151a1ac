import { isDeepStrictEqual } from 'node:util'
import type { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { type Answer, jsonOf, type Tree } from '../wire.ts'
import type { Scene, Write } from './act.ts'
import { type Change, changesOf } from './changes.ts'
import type { Finding } from './documented.ts'
import type { Rows } from './rows.ts'
import { mayDo } from './rule.ts'
import { lookAgain, mayRead, ownersOf } from './sight.ts'
import { isDone, type Stage } from './stage.ts'

export interface Done {
  readonly scene: Scene
  readonly write: Write
  readonly answer: Answer
  readonly after: Rows
  /** What the server said beforehand of the right that is asked first. */
  readonly explained: boolean | undefined
}

type Tell = (promise: string, what: string, text?: string) => void

/** What of the five promises one write broke. */
export async function judge(done: Done, random: SeededRandom | undefined): Promise<Finding[]> {
  const { scene, answer, after } = done
  const { rows: before, step, stage } = scene
  const found: Finding[] = []
  const tell: Tell = (promise, what, text = '') => {
    const head = `${answer.status} ${answer.text.slice(0, 160).replaceAll('\n', ' ')}`
    found.push({ promise, act: step.act, what, text: `${text} | ${head}` })
  }
  const changes = changesOf(before, after)
  if (!isDone(answer)) judgeRefusal(done, tell)
  judgeExplained(done, changes, tell)
  judgeIntegrity(done, changes, tell)
  const ids = changes.map(({ asset }) => asset.id)
  if (ids.length > 0) {
    const seen = await lookAgain(stage, after, { ids: [...new Set(ids)], random })
    judgeSight(done, seen, tell)
  }
  return found
}

function judgeRefusal({ scene, answer, after }: Done, tell: Tell): void {
  const { rows: before } = scene
  if (answer.status >= 500) tell('refusal', `failed with ${answer.status}`)
  if (before.seq !== after.seq) tell('refusal', 'a refusal changed something')
  else if (!isDeepStrictEqual(before.assets, after.assets)) tell('refusal', 'rows without a change')
}

/** A right that is not there refuses; one that is there, and asked alone, does not. */
function judgeExplained(done: Done, changes: readonly Change[], tell: Tell): void {
  const { explained, answer, write, scene } = done
  if (explained === undefined || write.isAlone !== true) return
  // Which of the actions of `assets:write` is asked about cannot be said.
  if (write.asks.action !== 's3:PutObject') return
  if (!explained && isDone(answer) && changes.length > 0) tell('explain', 'told no, and did it')
  const isRefused = answer.status === 401 || answer.status === 403
  const isPerhaps = mayDo(scene.person, write.asks, scene.stage.grants) === 'perhaps'
  if (explained && isRefused && !isPerhaps) tell('explain', 'told yes, and refused')
}

function judgeIntegrity({ scene }: Done, changes: readonly Change[], tell: Tell): void {
  const { person, stage } = scene
  const nameOf = (id: string) => stage.persons.all.find(each => each.id === id)?.name ?? id
  for (const { what, asset, ways } of changes) {
    const { bucket, key, ownerId } = asset
    const text = `${bucket}/${key} of ${nameOf(ownerId)}`
    const isAllowed = ways.some(way =>
      way.every(question => mayDo(person, question, stage.grants) !== 'no'),
    )
    if (!isAllowed) tell('integrity', what, text)
    // "who names another owner ... takes `assets:write` in general"
    const isNamed = person.id !== 'anonymous'
    const isForAnother = what === 'made' && isNamed && ownerId !== person.id
    if (isForAnother && !person.permissions.includes('assets:write')) {
      tell('integrity', 'made for another', text)
    }
  }
}

function judgeSight(
  { scene, write, after }: Done,
  seen: Awaited<ReturnType<typeof lookAgain>>,
  tell: Tell,
): void {
  const { stage, rows: before, person: writer } = scene
  for (const { person, canary, way } of seen) {
    const isOwn = write.brings.includes(canary)
    if (isOwn && person.id === writer.id) continue
    const kind = canary.startsWith('kvc') ? 'content' : 'what is told'
    const text = `${person.name} sees ${canary} by ${way}`
    const now = { person, canary, deletedAsShown: false }
    if (mayRead(stage, after, now) === 'no') tell('confidentiality', `reads ${kind} unduly`, text)
    if (isOwn) continue
    const then = { canary, deletedAsShown: true }
    if (mayRead(stage, before, { ...then, person }) !== 'no') continue
    if (person.id === writer.id) tell('confidentiality', `its writer gains ${kind}`, text)
    else if (mayRead(stage, before, { ...then, person: writer }) === 'no') {
      const isOwner = ownersOf(before, canary).includes(person.id)
      const other = isOwner ? 'its owner gains' : 'others gain'
      const who = person.id === 'anonymous' ? 'everybody gains' : other
      tell('confidentiality', `${who} ${kind}`, text)
    }
  }
}

/** What an administrator is told of the right that a write asks first. */
export async function explain(scene: Scene, { asks }: Write): Promise<boolean | undefined> {
  const { person, stage } = scene
  if (person.id === 'anonymous' || person.within !== undefined) return undefined
  const { permission, asset, bucket, fresh } = asks
  const place: Tree =
    asset === undefined ? { bucket: bucket.name, key: fresh?.key } : { asset_id: asset.id }
  const body = { permission, principal_id: person.id, ...place }
  const asked = { method: 'POST', path: '/api/v2/access/explain', body }
  const answer = await stage.asAdministrator(asked)
  if (answer.status >= 300) throw new Error(`explain: ${answer.status} ${answer.text}`)
  const told = jsonOf(answer)
  // Whom a policy keeps the asset from is told no more.
  return /hidden/.test(told.reason) ? undefined : told.allowed === true
}

/** All of a stage at its end, by all ways. */
export async function judgeAll(stage: Stage): Promise<Finding[]> {
  const rows = await stage.rows()
  const seen = await lookAgain(stage, rows, { ids: [...rows.assets.keys()], random: undefined })
  const undue = seen.filter(
    ({ person, canary }) =>
      mayRead(stage, rows, { person, canary, deletedAsShown: false }) === 'no',
  )
  return undue.map(({ person, canary, way }) => {
    const what = canary.startsWith('kvc') ? 'content' : 'what is told'
    const text = `${person.name} sees ${canary} by ${way}`
    return { promise: 'confidentiality', act: 'at the end', what: `reads ${what} unduly`, text }
  })
}
