export interface FileResult {
  passed: number
  skipped: number
  failures: { name: string; text: string }[]
  output: string
}

interface TestEvent {
  type: 'test:pass' | 'test:fail' | 'test:summary'
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
  for (const event of parse(lines)) {
    if (event.type === 'test:summary') continue
    countOne(result, event)
  }
  const { passed, skipped, failures } = result
  if (failures.length === 0 && reason !== undefined) {
    failures.push({ name: reason, text: 'no test of the file failed before that' })
  } else if (passed + skipped + failures.length === 0) {
    failures.push({ name: 'no test ran', text: 'the file ended without having run a test' })
  }
  return result
}

function countOne(result: FileResult, event: TestEvent): void {
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
