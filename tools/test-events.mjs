// A node:test reporter that appends one JSON line per event to a file. Written synchronously,
// so that a test file that crashes or is killed still tells how far it came.
import { appendFileSync } from 'node:fs'
import { inspect } from 'node:util'

const file = process.env.HOLDFAST_TEST_EVENTS

// biome-ignore lint/correctness/useYield: the runner wants a generator; the file is the output
export default async function* events(source) {
  for await (const { type, data } of source) {
    if (type === 'test:pass' || type === 'test:fail') append({ ...describe(data), type })
    if (type === 'test:enqueue' && data.nesting === 0) append({ type, nesting: 0 })
    if (type === 'test:summary') append({ type })
  }
}

function describe({ name, nesting, line, skip, todo, details }) {
  const { error } = details
  return {
    name,
    nesting,
    line,
    kind: details.type ?? 'test',
    skipped: skip !== undefined && skip !== false,
    todo: todo !== undefined && todo !== false,
    failure: error?.failureType,
    error: error && inspect(error.cause ?? error, { depth: 6 }),
  }
}

function append(event) {
  appendFileSync(file, `${JSON.stringify(event)}\n`)
}
