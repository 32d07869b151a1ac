export interface FileResult {
  passed: number
  skipped: number
  failures: { name: string; text: string }[]
  output: string
}

interface TestEvent {
  type: 'test:enqueue' | 'test:pass' | 'test:fail' | 'test:summary'
  name: string
  nesting: number
  line?: number
  kind: 'test' | 'suite'
  skipped: boolean
  todo: boolean
  failure?: string
  error?: string
}

/** Counts the lines of test-events.mjs; a file that ran no test or ended badly has failed. */
export function countEvents(lines: string, reason: string | undefined, output: string): FileResult {
  const result: FileResult = { passed: 0, skipped: 0, failures: [], output }
  const events = parse(lines)
  for (const event of events) countOne(result, event)
  const { passed, skipped, failures } = result
  const fail = (name: string, text: string) => failures.push({ name, text })
  if (reason !== undefined) {
    if (failures.length === 0) fail(reason, 'no test of the file failed before that')
  } else if (passed + skipped + failures.length === 0) {
    fail('no test ran', 'the file ended without having run a test')
  } else if (!events.some(({ type }) => type === 'test:summary')) {
    fail('the file ended before its tests', 'something ended the process')
  }
  return result
}

/** True when every test that was begun at the top of the file is over, and there was one. */
export function areTestsOver(lines: string): boolean {
  const top = parse(lines).filter(({ nesting }) => nesting === 0)
  const begun = top.filter(({ type }) => type === 'test:enqueue').length
  return begun > 0 && top.length === 2 * begun
}

function countOne(result: FileResult, event: TestEvent): void {
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return
  if (event.skipped || event.todo) {
    result.skipped += 1
  } else if (event.type === 'test:fail') {
    if (event.failure === 'subtestsFailed') return
    const line = event.line === undefined ? '' : ` (line ${event.line})`
    result.failures.push({ name: `${event.name}${line}`, text: event.error ?? 'no error told' })
  } else if (event.kind === 'test') {
    result.passed += 1
  }
}

function parse(lines: string): TestEvent[] {
  const events: TestEvent[] = []
  for (const line of lines.split('\n')) {
    if (line === '') continue
    try {
      events.push(JSON.parse(line))
    } catch {
      // The last line of a killed process may be cut.
    }
  }
  return events
}
