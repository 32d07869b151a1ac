import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseOptions } from './options.ts'
import { isValid } from './report/bench-report.ts'
import type { SideResult } from './report/row-result.ts'
import { smokeMode } from './rows/mode.ts'
import { allRows } from './rows/rows.ts'
import { tokenName } from './rows/token-row.ts'
import { runBench } from './run-bench.ts'
import { isInstalled } from './servers/install.ts'

// A test of the harness: that every row gives numbers, never how large they are. Where nginx is
// not installed, a node:http server takes its part, so nothing needs to be skipped.
const peer = isInstalled('nginx') ? 'nginx' : 'bare'
/** Every other row, the rest the next day: each starts servers of its own. */
const part = Math.floor(Date.now() / 86_400_000) % 2
const rows = allRows({ mode: smokeMode }).filter((_, at) => at % 2 === part)
const named = (text: string) => rows.some(({ name }) => name.startsWith(text))
/** How many results all rows of the part give. */
const expected = [
  { transfer: 5, scale: 15, figures: 2 },
  { transfer: 4, scale: 8, figures: 5 },
][part]!

test(`a smoke run measures rows without an error and leaves nothing, part ${part}`, async t => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const printed: string[] = []
  const said: string[] = []
  const only = rows.flatMap(({ name }) => ['--only', name])
  const options = parseOptions(['--smoke', '--dir', dir, '--peer', peer, ...only])
  const output = {
    print: (text: string) => printed.push(text),
    say: (line: string) => said.push(line),
  }
  const report = await runBench(options, output)

  assert.ok(isValid(report), `${printed.join('\n')}\n${said.join('\n')}`)
  assert.equal(report.transfer.length, expected.transfer)
  assert.equal(report.scale.length, expected.scale)
  assert.ok(report.figures.length >= expected.figures)
  for (const { name, left, right, ratio } of [...report.transfer, ...report.scale]) {
    for (const side of [left, right]) requireNumbers(name, side)
    assert.ok(ratio.median > 0 && Number.isFinite(ratio.median), name)
  }
  const mixed = report.transfer.find(({ name }) => name.startsWith('mixed'))
  const kinds = mixed?.left.runs.flatMap(({ byMethod }) => Object.keys(byMethod)) ?? []
  // In so short a run not every kind need come; run-plan.test.ts counts all of them.
  assert.equal(kinds.length > 0, named('mixed'))
  for (const kind of kinds) assert.ok(['DELETE', 'GET', 'HEAD', 'PUT'].includes(kind), kind)
  const puts = report.transfer.filter(({ name }) => name.startsWith('PUT'))
  for (const { left } of puts) assert.equal(left.durability, 'fsync before the answer')
  const check = report.figures.find(({ name }) => name === tokenName)
  const first = check?.figures['the same for the first time'] ?? '0 µs more'
  assert.match(String(first), /^-?[\d.]+ µs more$/)
  assert.equal(
    check !== undefined,
    rows.some(({ name }) => name === tokenName),
  )
  assert.deepEqual(readdirSync(dir), [])
  assert.equal(printed.join('').includes('| PUT 512 KiB, 4 connections |'), named('PUT'))
  assert.equal(existsSync(join(dir, 'results')), false)
})

function requireNumbers(name: string, side: SideResult): void {
  const { operationsPerSecond, latency, serverCpuMicrosPerOperation, runs } = side
  assert.ok(operationsPerSecond.median > 0, `${name}: ${side.label} did nothing`)
  assert.ok(latency.p50Ms > 0 && latency.maxMs >= latency.p99Ms, `${name}: ${side.label}`)
  assert.ok(Number.isFinite(serverCpuMicrosPerOperation), name)
  assert.ok(runs.length > 0)
}
