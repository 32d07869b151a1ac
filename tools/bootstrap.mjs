#!/usr/bin/env node
// Makes `npm start` work in a fresh clone under any Node from 20 on: finds or installs the
// Node release we need, installs the packages of the current lockfile, then runs the command.
// Plain JavaScript without dependencies, because it runs before any of them is there.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const nodeVersion = '24.21.0'
const toolsDir = join(root, '.tools')
const stampFile = join(root, 'node_modules', '.holdfast-stamp')
const lockMsMax = 20 * 60_000
const repeatMs = 500
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** True for the releases that package.json names in `engines`. */
export function nodeFits(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number)
  return major === 24 && minor >= 15
}

/** Returns the path of a Node that fits, with the packages of the current lockfile installed. */
export async function prepare() {
  const node = await prepareNode()
  await preparePackages(node)
  return node
}

/** Runs the command under that Node and ends this process the way the command ended. */
export async function run(node, command, args) {
  const file = command === 'node' ? node : command
  const end = await runChild(file, args, { stdio: 'inherit', env: environment(node) })
  endLike(end)
}

async function prepareNode() {
  if (nodeFits()) return process.execPath
  const home = join(toolsDir, `node-${nodeVersion}`)
  const node = join(home, 'node_modules', 'node', 'bin', 'node')
  if (existsSync(node)) return node
  await exclusively(async () => {
    if (existsSync(node)) return
    say(`installing Node ${nodeVersion} into .tools (this is ${process.versions.node})`)
    const incoming = `${home}.${process.pid}`
    mkdirSync(incoming, { recursive: true })
    const manifest = { private: true, allowScripts: { node: true } }
    writeFileSync(join(incoming, 'package.json'), JSON.stringify(manifest))
    try {
      await npm(process.execPath, ['install', `node@${nodeVersion}`], incoming)
      renameSync(incoming, home)
    } finally {
      rmSync(incoming, { recursive: true, force: true })
    }
  })
  return node
}

async function preparePackages(node) {
  if (packagesFit()) return
  await exclusively(async () => {
    if (packagesFit()) return
    say('installing packages')
    const wanted = stamp()
    await npm(node, ['ci'], root)
    writeFileSync(stampFile, wanted)
  })
}

function packagesFit() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp()
}

function stamp() {
  const lock = readFileSync(join(root, 'package-lock.json'))
  return createHash('sha256').update(lock).digest('hex')
}

async function npm(node, args, cwd) {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  const options = { cwd, env: environment(node), stdio: ['ignore', 'pipe', 'pipe'] }
  const end = await runChild('npm', [...args, ...quiet], options)
  if (end.code === 0) return
  process.stderr.write(end.output)
  say(`npm ${args.join(' ')} failed (${end.signal ?? end.code})`)
  endLike(end.signal ? end : { code: end.code || 1 })
  await new Promise(() => {})
}

// The settings of an outer npm run are not ours, but the ways to reach a registry are.
const inheritedSettings =
  /^npm_config_(registry|cache|userconfig|globalconfig|.*proxy|ca|cafile|strict_ssl|.*offline)$/

function environment(node) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !name.startsWith('npm_') || inheritedSettings.test(name),
    ),
  )
  const path = [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH ?? '']
  return { ...env, PATH: path.join(delimiter) }
}

/**
 * A terminal sends its signal to the whole group and npm sends it on once more: within
 * half a second that is one wish, so it is passed on once.
 */
function runChild(file, args, options) {
  return new Promise(resolve => {
    const child = spawn(file, args, options)
    const output = []
    child.stdout?.on('data', chunk => output.push(chunk))
    child.stderr?.on('data', chunk => output.push(chunk))
    const passedAt = new Map()
    const pass = signal => {
      const now = performance.now()
      if (now - (passedAt.get(signal) ?? -repeatMs) < repeatMs) return
      passedAt.set(signal, now)
      child.kill(signal)
    }
    for (const signal of forwarded) process.on(signal, pass)
    const orphaned = whenOrphaned(() => pass('SIGTERM'))
    const finish = end => {
      clearInterval(orphaned)
      for (const signal of forwarded) process.off(signal, pass)
      resolve({ ...end, output: Buffer.concat(output) })
    }
    child.on('error', error => {
      say(`cannot run ${file}: ${error.message}`)
      finish({ code: 127 })
    })
    child.on('close', (code, signal) => finish({ code, signal }))
  })
}

/** npm dies of SIGHUP and SIGKILL without a word to its script: the command ends then, too. */
function whenOrphaned(end) {
  if (process.env.npm_lifecycle_event === undefined) return undefined
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    end()
  }, 1000)
  return timer
}

function endLike({ code, signal }) {
  releaseLock()
  if (!signal) process.exit(code ?? 1)
  process.exitCode = 128 + constants.signals[signal]
  process.kill(process.pid, signal)
  setTimeout(() => process.exit(), 1000)
}

const lockFile = join(toolsDir, 'lock')
let locked = false

async function exclusively(work) {
  mkdirSync(toolsDir, { recursive: true })
  let told = false
  while (!takeLock()) {
    if (!told) say('waiting for another installation')
    told = true
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  try {
    await work()
  } finally {
    releaseLock()
  }
}

function takeLock() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' })
    locked = true
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    if (lockIsDead()) rmSync(lockFile, { force: true })
    return false
  }
}

function releaseLock() {
  if (locked) rmSync(lockFile, { force: true })
  locked = false
}

function lockIsDead() {
  try {
    const ageMs = Date.now() - statSync(lockFile).mtimeMs
    const pid = Number(readFileSync(lockFile, 'utf8'))
    if (pid === 0) return ageMs > 5000
    return ageMs > lockMsMax || !isAlive(pid)
  } catch {
    return false
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function say(line) {
  process.stderr.write(`holdfast: ${line}\n`)
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [command, ...args] = process.argv.slice(2)
  const node = await prepare()
  if (command) await run(node, command, args)
  else process.stdout.write(`${node}\n`)
}
