import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'

/** A system call that changed a file, or made one durable; paths are whole. */
export type TracedCall =
  | { readonly kind: 'create' | 'sync' | 'mkdir' | 'remove' | 'rmdir'; readonly path: string }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'link' | 'rename'; readonly path: string; readonly to: string }
  /** Without a position the bytes go where the last write to the descriptor ended. */
  | {
      readonly kind: 'write'
      readonly path: string
      readonly at: number | undefined
      readonly bytes: Buffer
    }

const changing = [
  ...['open', 'openat', 'creat', 'mkdir', 'mkdirat', 'rmdir', 'link', 'linkat'],
  ...['rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'truncate', 'ftruncate'],
  ...['write', 'pwrite64', 'fsync', 'fdatasync', 'syncfs', 'sync', 'msync'],
] as const
/** Ways to write that nobody here uses; one of them is an error and not something unseen. */
const strange = [
  'writev',
  'pwritev',
  'pwritev2',
  'fallocate',
  'copy_file_range',
  'sendfile',
] as const

/**
 * Runs a Node program under strace and answers all that it did to files below `root`, in order.
 * Bytes are in hexadecimal, as are paths: nothing in them looks like the syntax around.
 */
export function traceCalls(
  root: string,
  { outFile, args }: { readonly outFile: string; readonly args: readonly string[] },
): TracedCall[] {
  const trace = `trace=${[...changing, ...strange].join(',')}`
  const options = ['-f', '-y', '-qq', '-xx', '--seccomp-bpf', '-s', '4194304', '-e', trace]
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', ...args]
  const { status, stderr } = spawnSync('strace', [...options, '-o', outFile, ...node], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new RangeError(`the traced program ended with ${status}: ${stderr}`)
  const lines = readFileSync(outFile, 'latin1').split('\n')
  rmSync(outFile)
  const prefix = `${root}/`
  return [...callsOf(lines)].filter(({ path }) => path === root || path.startsWith(prefix))
}

/** A call counts when it ends: threads are put together from `unfinished` and `resumed`. */
function* callsOf(lines: readonly string[]): Generator<TracedCall> {
  const begun = new Map<string, string>()
  for (const line of lines) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/s.exec(line) ?? []
    const unfinished = rest.endsWith('<unfinished ...>')
    if (unfinished) {
      begun.set(thread, rest.slice(0, -'<unfinished ...>'.length).trimEnd())
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(rest)?.[0]
    const whole = resumed === undefined ? rest : begun.get(thread) + rest.slice(resumed.length)
    const call = callOf(whole)
    if (call !== undefined) yield call
  }
}

const shape = /^(\w+)\((.*)\)\s+= (\d+)(?:<[^>]*>)?$/s

/** Undefined for calls that failed, opened only, or are about no file by its path. */
function callOf(text: string): TracedCall | undefined {
  const [, name = '', args = '', result = ''] = shape.exec(text) ?? []
  if (name === '') return undefined
  if (strange.some(one => one === name)) {
    if (args.includes('\\x2f')) throw new RangeError(`a call that is not understood: ${name}`)
    return undefined
  }
  if (name === 'write' || name === 'pwrite64') return writeOf(name, args, Number(result))
  const paths = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex]) => textOf(hex))
  const path = paths[0] ?? describedBy(args)
  if (path === undefined) return undefined
  if (/^open|^creat/.test(name)) {
    if (args.includes('O_TRUNC') && !args.includes('O_EXCL'))
      return { kind: 'truncate', path, size: 0 }
    return args.includes('O_CREAT') ? { kind: 'create', path } : undefined
  }
  if (name.endsWith('truncate')) {
    return { kind: 'truncate', path, size: Number(/(\d+)$/.exec(args)?.[1]) }
  }
  if (name.startsWith('link')) return { kind: 'link', path, to: paths[1] ?? '' }
  if (name.startsWith('rename')) return { kind: 'rename', path, to: paths[1] ?? '' }
  if (name.startsWith('mkdir')) return { kind: 'mkdir', path }
  if (name === 'rmdir') return { kind: 'rmdir', path }
  if (name.startsWith('unlink')) return { kind: 'remove', path }
  if (name === 'fsync' || name === 'fdatasync') return { kind: 'sync', path }
  throw new RangeError(`a call that is not understood: ${name}`)
}

function writeOf(name: string, args: string, written: number): TracedCall | undefined {
  const path = describedBy(args)
  if (path === undefined) return undefined
  const hex = /, "((?:\\x[0-9a-f]{2})*)"/.exec(args)?.[1] ?? ''
  const bytes = Buffer.from(hex.replaceAll('\\x', ''), 'hex').subarray(0, written)
  if (bytes.length < written) throw new RangeError(`only ${bytes.length} bytes of ${written}`)
  const at = name === 'pwrite64' ? Number(/(\d+)$/.exec(args)?.[1]) : undefined
  return { kind: 'write', path, at, bytes }
}

/** The file behind the descriptor; undefined when it has no name any more. */
function describedBy(args: string): string | undefined {
  const [, hex, gone] = /^\d+<((?:\\x[0-9a-f]{2})+)>(\(deleted\))?/.exec(args) ?? []
  return hex === undefined || gone !== undefined ? undefined : textOf(hex)
}

function textOf(hex = ''): string {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex').toString()
}
