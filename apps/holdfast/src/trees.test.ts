import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { openClient } from '@holdfast/client'
import { adminKey, digestsOf, scratch, startServer, succeeded } from './running-program.test.ts'

const hostileNames = [
  ' ',
  ' leading and trailing ',
  '-rf',
  '--help',
  '...',
  '..hidden',
  '.dot',
  'a\nb',
  'a\r\nSet-Cookie: x',
  'tab\there',
  'bell\x07',
  'esc\x1b[31m',
  'back\\slash',
  'C:\\Windows\\system32',
  'con',
  'NUL.txt',
  'aux.',
  'trailing.',
  'quote"s\'`',
  '$(touch pwned)',
  '`id`',
  '*?[a-z]',
  '<script>alert(1)</script>',
  '%2E%2E%2Fetc',
  '%00',
  'a&b=c#d?e',
  'a+b c',
  ';ls|cat',
  '~',
  'e\u0301 decomposed',
  '\u00e9 composed',
  '\u202egpj.exe',
  '\u200bzero',
  '\ufeffbom',
  'ключ',
  '漢字.txt',
  'שלום',
  '🦭🏴‍☠️.png',
  'x'.repeat(255),
  'ж'.repeat(127),
  '__proto__',
  'constructor',
  'null',
  'undefined',
  '0',
  'wrong.png',
  'empty.json',
  'page.html',
]

/** More than 200 files: each hostile name as file and as folder, empty ones, and large ones. */
function writeTree(dir: string): void {
  const write = (path: string, bytes: Uint8Array) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), bytes)
  }
  for (const [index, name] of hostileNames.entries()) {
    write(name, randomBytes(index * 37))
    write(`folders/${name}/inside`, randomBytes(10))
  }
  for (let i = 0; i < 120; i += 1) write(`many/${i % 7}/${i}.bin`, randomBytes(i * 500))
  write('equal/one', Buffer.alloc(100_000, 1))
  write('equal/two', Buffer.alloc(100_000, 1))
  write(`deep/${'d/'.repeat(100)}leaf`, Buffer.from('leaf'))
  write('large/2MiB', randomBytes(2 * 1024 * 1024))
  write('large/9MiB', randomBytes(9 * 1024 * 1024 + 1))
  write('picture.png', Buffer.from('this is no picture'))
  // The server refuses this one as JSON: the program must let the bytes decide.
  write('program.json', Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(500)]))
}

test('a tree of hostile names comes back byte by byte', async t => {
  const dir = scratch(t)
  const tree = join(dir, 'tree')
  writeTree(tree)
  const before = digestsOf(tree)
  assert.ok(Object.keys(before).length >= 200)
  const server = await startServer(t, join(dir, 'data'))
  const put = await server.holdfast('put', tree, '--prefix', 'p', '--json')
  const summary = JSON.parse(succeeded(put).stdout)
  assert.equal(summary.files, Object.keys(before).length)
  assert.deepEqual(summary.failures, [])
  const listed = succeeded(await server.holdfast('ls', '-r', 'p/', '--json')).stdout
  const keys = listed
    .trim()
    .split('\n')
    .map(line => JSON.parse(line).key.slice(2))
  assert.deepEqual(keys.sort(), Object.keys(before).sort())
  const program = await server.holdfast('stat', 'p/program.json', '--json')
  assert.notEqual(JSON.parse(succeeded(program).stdout).content_type, 'application/json')
  succeeded(await server.holdfast('get', '-r', 'p/', join(dir, 'out')))
  assert.deepEqual(digestsOf(join(dir, 'out')), before)
  const again = await server.holdfast('put', tree, '--prefix', 'p', '--sync', '--json')
  assert.deepEqual(
    [JSON.parse(succeeded(again).stdout).files, JSON.parse(again.stdout).skipped],
    [0, summary.files],
  )
  // The same size and another content: only the SHA-256 tells them apart.
  writeFileSync(join(tree, 'many/1/8.bin'), Buffer.alloc(4000, 7))
  const changed = await server.holdfast('put', tree, '--prefix', 'p', '--sync', '--json')
  assert.equal(JSON.parse(succeeded(changed).stdout).files, 1)
  succeeded(await server.holdfast('get', 'p/many/1/8.bin', join(dir, 'out/many/1/8.bin')))
  assert.deepEqual(digestsOf(join(dir, 'out')), digestsOf(tree))
  const same = await server.holdfast('get', '-r', 'p/', join(dir, 'out'), '--sync', '--json')
  assert.equal(JSON.parse(succeeded(same).stdout).skipped, summary.files)
  const plain = succeeded(await server.holdfast('ls', '-r')).stdout
  for (const char of ['\x1b', '\x07', '\u202e', '\r']) assert.ok(!plain.includes(char))
})

test('what cannot be taken is told, the rest goes in, and the end is 1', async t => {
  const dir = scratch(t)
  const tree = join(dir, 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'good'), 'good')
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/bad`), Buffer.from([0xff])]), 'x')
  symlinkSync('/etc/hostname', join(tree, 'link'))
  const deep = join(tree, ...Array.from({ length: 6 }, () => 'd'.repeat(200)))
  mkdirSync(deep, { recursive: true })
  writeFileSync(join(deep, 'file'), 'key of more than 1,024 bytes')
  const server = await startServer(t, join(dir, 'data'))
  const { code, stdout, stderr } = await server.holdfast('put', tree, join(dir, 'gone'))
  assert.equal(code, 1)
  assert.match(stdout, /^Put 1 file, 4 B in .+, 1 left out, 3 failed\.\n$/)
  assert.match(stderr, /not UTF-8/)
  assert.match(stderr, /link: left out, a symbolic link/)
  assert.match(stderr, /gone does not exist/)
  assert.equal(succeeded(await server.holdfast('ls', '-r')).stdout, 'good\n')
})

test('two files that would get the same key are refused before anything is sent', async t => {
  const dir = scratch(t)
  for (const name of ['a', 'b']) {
    mkdirSync(join(dir, name))
    writeFileSync(join(dir, name, 'x'), name)
  }
  const server = await startServer(t, join(dir, 'data'))
  const { code, stderr } = await server.holdfast('put', join(dir, 'a'), join(dir, 'b'))
  assert.equal(code, 2)
  assert.match(stderr, /would get the same key/)
  assert.equal(succeeded(await server.holdfast('ls', '-r')).stdout, '')
})

test('no key leads out of the target, and every key gets a file', async t => {
  const dir = scratch(t)
  const server = await startServer(t, join(dir, 'data'))
  const { assets } = openClient({ url: server.url, key: adminKey })
  const keys = ['../out', '../../../../../../tmp/evil', '/etc/evil', 'a//b', 'a', 'a/b', '.', '..']
  keys.push(
    'C:\\evil',
    '..\\..\\evil',
    'x/../../evil',
    `${'long'.repeat(200)}`,
    'link/evil',
    '%2E%2E',
  )
  for (const key of keys) await assets.put({ bucket: 'holdfast', key }, key)
  const target = join(dir, 'deep/target')
  mkdirSync(target, { recursive: true })
  mkdirSync(join(dir, 'outside'))
  symlinkSync(join(dir, 'outside'), join(target, 'link'))
  const names = readdirSync(dir)
  const { code, stderr } = await server.holdfast('get', '-r', '', target)
  assert.equal(code, 1)
  assert.match(stderr, /link\/evil: a symbolic link is in the way/)
  assert.deepEqual(readdirSync(dir), names)
  assert.deepEqual(readdirSync(join(dir, 'deep')), ['target'])
  assert.deepEqual(readdirSync(join(dir, 'outside')), [])
  assert.equal(existsSync('/etc/evil') || existsSync('/tmp/evil'), false)
  const contents = Object.keys(digestsOf(target)).map(path =>
    readFileSync(join(target, path), 'utf8'),
  )
  assert.deepEqual(contents.sort(), keys.filter(key => key !== 'link/evil').sort())
})

test('one asset comes into a file, a directory or the output', async t => {
  const dir = scratch(t)
  const server = await startServer(t, join(dir, 'data'))
  writeFileSync(join(dir, 'a b.txt'), 'hello')
  succeeded(await server.holdfast('put', join(dir, 'a b.txt'), '--prefix', 'x/y', '--tag', 'one'))
  const key = 'x/y/a b.txt'
  succeeded(await server.holdfast('get', key, join(dir, 'made/here.txt')))
  succeeded(await server.holdfast('get', key, `${join(dir, 'into')}/`))
  assert.equal(readFileSync(join(dir, 'made/here.txt'), 'utf8'), 'hello')
  assert.equal(readFileSync(join(dir, 'into/a b.txt'), 'utf8'), 'hello')
  assert.equal(succeeded(await server.holdfast('get', key, '-')).stdout, 'hello')
  const missing = await server.holdfast('get', 'nothing', join(dir, 'none'))
  assert.equal(missing.code, 1)
  assert.match(missing.stderr, /ASSET_NOT_FOUND, status 404, request /)
  assert.equal(existsSync(join(dir, 'none')), false)
})
