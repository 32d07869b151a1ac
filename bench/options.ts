import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

export interface BenchOptions {
  readonly smoke: boolean
  /** Rows whose name contains one of these texts; empty for all. */
  readonly only: readonly string[]
  readonly writeDocs: boolean
  readonly profile: boolean
  readonly dir: string | undefined
  readonly pairs: number | undefined
  readonly durationMs: number | undefined
  /** How long a run waits at most for other work on the machine to end. */
  readonly patienceMs: number
  readonly subject: 'holdfast' | 'bare'
  readonly peer: 'nginx' | 'bare'
  /** Another checkout of Holdfast to compare with, in the place of the peer. */
  readonly against: string | undefined
}

export const usage = `npm run bench -- [options]

  --only TEXT       only rows whose name contains TEXT; may be repeated
  --smoke           everything once and small, as a test of the harness
  --write-docs      write the table into docs/benchmarks.md
  --profile         CPU profiles of the server in transfers, and where its time went
  --pairs N         pairs of runs in every row
  --duration MS     length of one run
  --patience S      before each run, wait up to S seconds for other work to end
  --dir DIR         where the servers write (default: bench/.data)
  --subject NAME    holdfast or bare (a node:http server in memory)
  --peer NAME       nginx or bare
  --against DIR     another checkout of Holdfast as the peer, to compare two states of the code
`

export function parseOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      smoke: { type: 'boolean', default: false },
      'write-docs': { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      pairs: { type: 'string' },
      duration: { type: 'string' },
      patience: { type: 'string' },
      dir: { type: 'string' },
      subject: { type: 'string', default: 'holdfast' },
      peer: { type: 'string', default: 'nginx' },
      against: { type: 'string' },
    },
  })
  if (values['write-docs'] && (values.smoke || values.only.length > 0)) {
    throw new Error('--write-docs: the documents show one whole run')
  }
  return {
    smoke: values.smoke,
    only: values.only,
    writeDocs: values['write-docs'],
    profile: values.profile,
    dir: values.dir,
    pairs: positive(values.pairs, '--pairs'),
    durationMs: positive(values.duration, '--duration'),
    patienceMs: (positive(values.patience, '--patience') ?? 0) * 1000,
    subject: oneOf(values.subject, ['holdfast', 'bare'], '--subject'),
    peer: oneOf(values.peer, ['nginx', 'bare'], '--peer'),
    against: values.against === undefined ? undefined : resolve(values.against),
  }
}

function positive(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${option}: a positive number`)
  return value
}

function oneOf<Name extends string>(text: string, names: readonly Name[], option: string): Name {
  const found = names.find(name => name === text)
  if (found === undefined) throw new Error(`${option}: one of ${names.join(', ')}`)
  return found
}
