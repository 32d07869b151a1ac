import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { nodeFits } from './bootstrap.mjs'

const bootstrap = join(import.meta.dirname, 'bootstrap.mjs')
const drains = `
  const alive = setInterval(() => {}, 1000)
  let count = 0
  process.on('SIGTERM', () => {
    count += 1
    if (count > 1) return
    setTimeout(() => { console.log('drained ' + count); process.exit(7) }, 300)
  })
  console.log('ready ' + process.pid)
`

test('only the releases of engines fit', () => {
  const fits = ['24.15.0', '24.21.0'].map(nodeFits)
  const others = ['20.20.2', '22.22.0', '24.14.9', '25.0.0', '26.1.0'].map(nodeFits)
  assert.deepEqual([...fits, ...others], [true, true, false, false, false, false, false])
})

test('the command runs under a Node that fits, and so do its children', async () => {
  const script = `require('node:child_process').execFileSync('node', ['-v']).toString().trim()`
  const { output, code } = await ended(start(`console.log(process.version, ${script})`))
  const [own, child] = output.trim().split(' ')
  assert.equal(nodeFits(own?.slice(1)), true)
  assert.equal(child, own)
  assert.equal(code, 0)
})

test('the exit code is handed on', async () => {
  assert.equal((await ended(start('process.exit(3)'))).code, 3)
})

test('the end by a signal is handed on', async () => {
  assert.equal((await ended(start("process.kill(process.pid, 'SIGKILL')"))).signal, 'SIGKILL')
})

test('a command that cannot run ends with 127', async () => {
  const child = spawn(process.execPath, [bootstrap, 'no-such-command'], { stdio: 'pipe' })
  assert.equal((await ended(child)).code, 127)
})

test('SIGTERM is passed on once and the drain is waited for', async () => {
  const child = start(drains)
  await once(child.stdout ?? child, 'data')
  child.kill('SIGTERM')
  child.kill('SIGTERM')
  const { output, code } = await ended(child)
  assert.match(output, /drained 1/)
  assert.equal(code, 7)
})

test('the command drains when npm is gone without a word', async () => {
  const npm = `
    const { spawn } = require('node:child_process')
    spawn(process.execPath, ${JSON.stringify([bootstrap, 'node', '-e', drains])}, {
      stdio: 'inherit', env: { ...process.env, npm_lifecycle_event: 'start' },
    })`
  const child = spawn(process.execPath, ['-e', npm], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout ?? child, 'data')
  child.kill('SIGKILL')
  assert.match((await ended(child)).output, /drained 1/)
})

function start(script: string): ChildProcess {
  return spawn(process.execPath, [bootstrap, 'node', '-e', script], {
    cwd: dirname(import.meta.dirname),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function ended(child: ChildProcess) {
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  const [code, signal] = await once(child, 'close')
  return { code, signal, output: Buffer.concat(chunks).toString() }
}
