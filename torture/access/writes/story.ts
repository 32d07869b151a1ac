import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import type { Lab } from '../open-lab.ts'
import type { MatrixReport } from '../rest/matrix.ts'
import type { Answer } from '../wire.ts'
import type { Acts, Scene, Write } from './act.ts'
import { type Finding, isDocumented } from './documented.ts'
import { explain, judge, judgeAll } from './judge.ts'
import { introducePersons, type Persons } from './persons.ts'
import { restActs } from './rest-acts.ts'
import { mayDo } from './rule.ts'
import { s3Acts } from './s3-acts.ts'
import { arrange, drawSetting } from './settings.ts'
import { isDone, Stage } from './stage.ts'
import { drawPlace, type Step, tell } from './steps.ts'
import { toldBefore } from './told-before.ts'

const acts: Acts = { ...restActs, ...s3Acts }
const names = Object.keys(acts)
/** The same write at the other door. */
const twins: Readonly<Record<string, string>> = {
  put: 'putObject',
  putObject: 'put',
  remove: 'deleteObject',
  deleteObject: 'remove',
  removeVersion: 'deleteVersion',
  deleteVersion: 'removeVersion',
}

interface Written {
  readonly write: Write
  readonly answer: Answer
  readonly found: Finding[]
}

interface Play {
  readonly stage: Stage
  readonly report: MatrixReport
  /** Reads by all ways; where absent, by those that it draws. */
  readonly random?: SeededRandom
}

/**
 * Stories in one store: those that ended badly once, then those of seeds. Each failure is told
 * once, with the fewest steps that show it.
 */
export async function tellStories(
  lab: Lab,
  report: MatrixReport,
  { seeds, steps }: { readonly seeds: readonly number[]; readonly steps: number },
): Promise<void> {
  const persons = await introducePersons(lab)
  const told = new Set<string>()
  const tellOf = async (about: string, done: readonly Step[], found: readonly Finding[]) => {
    for (const finding of found) {
      const name = nameOf(finding)
      if (told.has(name)) continue
      told.add(name)
      const least = await shrink(lab, persons, { steps: done, name })
      const shown = least.map((step, at) => `  ${at + 1}. ${tell(step)}`).join('\n')
      report.fail(`${about}: ${name}: ${finding.text}\n${shown}`)
    }
  }
  for (const [about, done] of Object.entries(toldBefore)) {
    await tellOf(about, done, await retell(lab, persons, { steps: done, report }))
  }
  for (const seed of seeds) {
    const random = new SeededRandom(seed)
    const stage = new Stage(lab, persons)
    await stage.open()
    const done: Step[] = []
    const found: Finding[] = []
    for (let at = 0; at < steps && found.length === 0; at += 1) {
      const step = await drawStep(random, { stage, isEarly: at < steps / 3, last: done.at(-1) })
      if (step === undefined) continue
      done.push(step)
      found.push(...(await doStep({ stage, report, random }, step)))
    }
    if (found.length === 0) found.push(...(await judgeAll(stage)))
    report.count('stories')
    report.count('requests', stage.requests)
    await tellOf(`seed ${seed}`, done, found)
  }
}

/** What was removed is often brought back. */
const removals: ReadonlySet<string> = new Set(['remove', 'deleteObject', 'removeTwo'])

interface Drawing {
  readonly stage: Stage
  readonly isEarly: boolean
  readonly last: Step | undefined
}

const nameOf = ({ promise, act, what }: Finding) => `${promise}: ${act}: ${what}`

/** Settings and contents come first, then mostly writes; two of three by who may. */
async function drawStep(
  random: SeededRandom,
  { stage, isEarly, last }: Drawing,
): Promise<Step | undefined> {
  const isBack = last !== undefined && removals.has(last.act) && random.chance(0.4)
  if (!isBack && random.chance(isEarly ? 0.8 : 0.1)) return drawSetting(random, stage.persons)
  const rows = await stage.rows()
  const isWanted = random.chance(0.67)
  for (let tries = 0; tries < 12; tries += 1) {
    const person = random.pick(stage.persons.all)
    const { headers, pair } = person
    const isRest = headers !== undefined && (pair === undefined || random.chance(0.5))
    const of = isRest ? restActs : s3Acts
    const drawn = random.pick(names.filter(name => Object.hasOwn(of, name)))
    const act = isBack && isRest ? 'restore' : drawn
    const at = isBack ? last.at : drawPlace(random)
    const to = drawPlace(random)
    const nth = random.below(4)
    const step = { who: person.name, act, at, to, nth, with: random.below(8) }
    const write = acts[act]?.({ stage, rows, person, step })
    if (write === undefined) continue
    if (!isWanted || mayDo(person, write.asks, stage.grants) !== 'no') return step
  }
  return undefined
}

/** What is drawn for a step beside the step itself is drawn apart, so that it is the same again. */
async function doStep({ stage, report, random }: Play, step: Step): Promise<Finding[]> {
  if (step.set !== undefined) {
    await arrange(stage, step)
    return []
  }
  const first = await doWrite({ stage, report, ...(random ? { random } : {}) }, step)
  if (first === undefined) return []
  const { answer, found } = first
  const twin = twins[step.act]
  if (twin === undefined || found.length > 0) return found
  if (first.write.isAlone !== true) return found
  // What one door refuses for want of a right the other refuses, too.
  if (![401, 403, 404].includes(answer.status)) return found
  const { headers, pair } = stage.person(step.who)
  // Without a credential nobody writes through REST.
  if (headers === undefined || pair === undefined || pair === null) return found
  const second = await doWrite({ stage, report }, { ...step, act: twin, with: 0 })
  if (second === undefined) return found
  report.count('twins')
  if (isDone(second.answer)) {
    const text = `${answer.status} at one door, ${second.answer.status} at the other`
    found.push({ promise: 'twin', act: step.act, what: `${twin} does it`, text })
  }
  return [...found, ...second.found]
}

async function doWrite({ stage, report, random }: Play, step: Step): Promise<Written | undefined> {
  const rows = await stage.rows()
  const scene: Scene = { stage, rows, person: stage.person(step.who), step }
  const write: Write | undefined = acts[step.act]?.(scene)
  if (write === undefined) return undefined
  const explained = write.isAlone === true ? await explain(scene, write) : undefined
  const answer = await write.run()
  const after = await stage.rows()
  report.count(isDone(answer) ? 'writes done' : 'writes refused')
  const found = await judge({ scene, write, answer, after, explained }, random)
  for (const { id, deletedAt, versionId } of after.assets.values()) {
    if (deletedAt === null) stage.uncovered.delete(versionId)
    else if ((rows.assets.get(id)?.versionId ?? versionId) !== versionId) {
      stage.uncovered.add(versionId)
    }
  }
  if (found.every(isDocumented)) report.pass()
  return { write, answer, found: found.filter(each => !isDocumented(each)) }
}

const replaysMax = 80
const silent = { count: () => {}, pass: () => {}, fail: () => {} }

/** Fewer steps that still end so: halves are dropped first, then ever smaller parts. */
async function shrink(
  lab: Lab,
  persons: Persons,
  { steps, name }: { readonly steps: readonly Step[]; readonly name: string },
): Promise<readonly Step[]> {
  let least = steps
  let replays = 0
  for (let size = Math.ceil(least.length / 2); size > 0; size = size === 1 ? 0 : size >> 1) {
    for (let at = least.length; at >= 0 && replays < replaysMax; at -= size) {
      const fewer = [...least.slice(0, Math.max(0, at - size)), ...least.slice(at)]
      if (fewer.length === least.length) continue
      replays += 1
      const found = await retell(lab, persons, { steps: fewer, report: silent })
      if (found.some(finding => nameOf(finding) === name)) least = fewer
    }
  }
  return least
}

/** All that the steps break, read by all ways. */
async function retell(
  lab: Lab,
  persons: Persons,
  { steps, report }: { readonly steps: readonly Step[]; readonly report: MatrixReport },
): Promise<Finding[]> {
  const stage = new Stage(lab, persons)
  await stage.open()
  const found: Finding[] = []
  for (const step of steps) found.push(...(await doStep({ stage, report }, step)))
  return found.length > 0 ? found : await judgeAll(stage)
}

export const writesEnv = { STORAGE_BUCKETS_PER_OWNER: '100000' }
