import type { Run } from '../../runner/program.ts'
import type { Lab } from '../open-lab.ts'
import { doWork, repeatable, runPrograms } from './clients.ts'
import { mutateRequest } from './mutate-request.ts'
import { type Recorded, Recorder, send } from './record.ts'

/** Valid requests of real clients are taken again and again; changed ones never are. */
export async function fuzzSignatures(
  run: Run,
  lab: Lab,
  { mutants, programs }: { readonly mutants: number; readonly programs: boolean },
): Promise<void> {
  const recorded = await record(run, lab, programs)
  const target = `http://${lab.s3.host}`
  const repeatAll = async () => {
    for (const one of recorded) {
      const { status } = await send(target, one)
      run.count('valid requests')
      if (status < 300) run.pass()
      else
        run.fail(`a valid request was refused: ${one.client} ${one.method} ${one.path} ${status}`)
    }
  }
  await repeatAll()
  const before = await lab.changes()
  let made = 0
  while (made < mutants && !run.signal.aborted) {
    const wave = Array.from({ length: 16 }, () =>
      mutateRequest(run.random.pick(recorded), run.random),
    )
    await Promise.all(
      wave.map(async mutant => {
        if (mutant === undefined) return
        made += 1
        const { status } = await send(target, mutant)
        run.count('mutants')
        if (status >= 400) return run.pass()
        const { client, method, path, change } = mutant
        run.fail(`a mutant was taken (${status}): ${client} ${method} ${path}, ${change}`)
      }),
    )
  }
  const changed = (await lab.changes()) - before
  if (changed > 0) run.fail(`mutants made ${changed} changes`)
  await repeatAll()
}

async function record(run: Run, lab: Lab, programs: boolean): Promise<Recorded[]> {
  await using recorder = await Recorder.before(`http://${lab.s3.host}`)
  await doWork(recorder, lab)
  if (programs) await runPrograms(recorder, run)
  const recorded = repeatable(recorder.recorded)
  const clients = new Set(recorded.map(({ client }) => client))
  run.count('clients', clients.size)
  run.count('recorded', recorded.length)
  run.say(`${recorded.length} requests of ${[...clients].join(', ')}`)
  return recorded
}
