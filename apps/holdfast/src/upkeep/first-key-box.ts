/** The administrator's key in a frame, so that nobody overlooks what is never shown again. */
export function firstKeyBox(key: string): string {
  const lines = [
    'First start: this is the API key of the administrator.',
    'It is shown this once and kept only as a hash.',
    '',
    `  ${key}`,
    '',
    'Use it:   export HOLDFAST_API_KEY=<the key>',
    'Lost it:  start with STORAGE_BOOTSTRAP_API_KEY=<a new key>',
  ]
  const width = Math.max(...lines.map(line => line.length))
  const edge = '─'.repeat(width + 2)
  const rows = lines.map(line => `│ ${line.padEnd(width)} │`)
  return [`┌${edge}┐`, ...rows, `└${edge}┘`, ''].join('\n')
}
