import type { FigureResult, PairResult, SideResult, Spread } from './row-result.ts'

const headings = [
  'Work',
  'Holdfast',
  'Durability',
  'Peer',
  'Durability',
  'Ratio (min–max)',
  'p50 / p99 ms',
  'peer p50 / p99',
  'CPU of the server',
  'of the peer',
  'Load CPU',
  'Others CPU',
]

/** One line per row, as Markdown: it reads well enough in a terminal too. */
export function transferTable(rows: readonly PairResult[]): string {
  const lines = rows.map(row => {
    const { left, right } = row
    return [
      row.name + errorMark(row),
      rate(left),
      left.durability,
      `${rate(right)} (${right.label})`,
      right.durability,
      ratio(row.ratio),
      latency(left),
      latency(right),
      cpu(left),
      cpu(right),
      `${percent(left.loadCpuShare)} / ${percent(right.loadCpuShare)}`,
      `${percent(left.othersCpuShare)} / ${percent(right.othersCpuShare)}`,
    ]
  })
  return table(headings, lines)
}

export function scaleTable(rows: readonly PairResult[]): string {
  const head = [
    'Work',
    'p50 small',
    'p50 large',
    'p50 large / small (min–max)',
    'p99 small / large',
  ]
  const lines = rows.map(row => [
    row.name + errorMark(row),
    `${milliseconds(row.right.latency.p50Ms)} ms (${row.right.label})`,
    `${milliseconds(row.left.latency.p50Ms)} ms (${row.left.label})`,
    ratio(row.ratio),
    `${milliseconds(row.right.latency.p99Ms)} / ${milliseconds(row.left.latency.p99Ms)} ms`,
  ])
  return table(head, lines)
}

export function figureList(rows: readonly FigureResult[]): string {
  return rows
    .map(({ name, durability, figures, errors }) => {
      const lines = Object.entries(figures).map(([label, value]) => `- ${label}: ${value}`)
      const failed = Object.entries(errors).map(([what, count]) => `${count} × ${what}`)
      lines.push(`- errors: ${failed.length === 0 ? 0 : failed.join('; ')}`)
      return `**${name}** (${durability})\n\n${lines.join('\n')}`
    })
    .join('\n\n')
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const all = [head, head.map(() => '---'), ...lines]
  return all.map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function errorMark({ left, right }: PairResult): string {
  const errors = left.errors + right.errors
  return errors === 0 ? '' : ` **(${errors} errors: not valid)**`
}

function rate(side: SideResult): string {
  const { operationsPerSecond, bytesPerSecond } = side
  if (isLarge(side)) return `${Math.round(bytesPerSecond.median / 1e6)} MB/s`
  return `${Math.round(operationsPerSecond.median).toLocaleString('en')}/s`
}

function ratio({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`
}

function latency({ latency: { p50Ms, p99Ms } }: SideResult): string {
  return `${milliseconds(p50Ms)} / ${milliseconds(p99Ms)}`
}

function milliseconds(ms: number): string {
  if (ms >= 100) return String(Math.round(ms))
  return ms.toFixed(ms >= 10 ? 1 : 2)
}

function cpu(side: SideResult): string {
  const { serverCpuMicrosPerOperation: micros, serverCpuSecondsPerGB: perGB } = side
  if (perGB !== undefined && isLarge(side)) return `${perGB.toFixed(2)} s/GB`
  return `${Math.round(micros)} µs`
}

/** Of large objects the bytes count, of small ones the operations. */
function isLarge({ bytesPerSecond, operationsPerSecond }: SideResult): boolean {
  return bytesPerSecond.median >= operationsPerSecond.median * 512 * 1024
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
