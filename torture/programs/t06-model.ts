import fc from 'fast-check'
import { contentActs } from '../model/content-commands.ts'
import { ModelState, modelBuckets } from '../model/model-state.ts'
import { recordActs, upkeepActs } from '../model/other-commands.ts'
import { bodies, StoreUnderModel } from '../model/store-under-model.ts'
import type { Program, Run } from '../runner/program.ts'

const acts = { ...contentActs, ...recordActs, ...upkeepActs }
const kinds = Object.keys(acts)
const runs = { short: 300, long: 20_000 }
const commandsMax = { short: 60, long: 200 }

export const program: Program = {
  id: 'T06',
  name: 'model',
  summary: 'random commands, crashes among them, against a model, with shrinking',
  secondsMax: { short: 240, long: 7200 },
  minimum: {
    short: { runs: 300, ...Object.fromEntries(kinds.map(kind => [kind, 50])) },
    long: { runs: 20_000, ...Object.fromEntries(kinds.map(kind => [kind, 1000])) },
  },
  async run(run) {
    const commands = fc.commands(
      [...Object.keys(contentActs), ...kinds].map(kind => commandOf(run, kind)),
      { maxCommands: commandsMax[run.length], size: 'max' },
    )
    const details = await fc.check(
      fc.asyncProperty(commands, async list => await play(run, list)),
      { seed: run.seed, numRuns: runs[run.length], interruptAfterTimeLimit: timeLimitMs(run) },
    )
    run.pass(details.numRuns - details.numShrinks)
    if (details.failed) {
      run.fail(`${fc.defaultReportMessage(details)}\npath ${details.counterexamplePath}`)
    }
  },
}

/** A counterexample is shrunk until then; what is smallest by that time is told. */
function timeLimitMs(run: Run): number {
  return (program.secondsMax[run.length] - 20) * 1000
}

interface Both {
  readonly model: ModelState
  readonly real: StoreUnderModel
}

type Command = fc.AsyncCommand<ModelState, Both>

async function play(run: Run, list: Iterable<Command>): Promise<void> {
  const model = new ModelState()
  await using real = await StoreUnderModel.open()
  await fc.asyncModelRun(() => ({ model, real: { model, real } }), list)
  await real.checkAll(model)
  run.count('runs')
}

function commandOf(run: Run, kind: string): fc.Arbitrary<Command> {
  return fc
    .record({
      bucket: fc.constantFrom(...modelBuckets),
      key: fc.constantFrom('k1', 'k2', 'k3', 'k4'),
      body: fc.constantFrom(...bodies),
      asset: fc.nat(30),
      other: fc.nat(30),
      number: fc.integer({ min: 1, max: 5 }),
    })
    .map(drawn => ({
      check: () => true,
      toString: () => `${kind} ${JSON.stringify(drawn)}`,
      run: async (_, { model, real }) => {
        const assets = [...model.assets.values()]
        const at = (index: number) => assets[index % Math.max(1, assets.length)]
        const { bucket, key, body, number } = drawn
        const asset = at(drawn.asset)
        const before = model.referenced()
        const input = { place: { bucket, key }, body, number, asset, other: at(drawn.other) }
        const touched = await acts[kind]?.({ model, real }, input)
        model.noteDeaths(before, real.clock.now())
        if (touched !== undefined) await real.checkAsset(touched)
        run.count(kind)
        await real.clock.advance(1)
      },
    }))
}
