import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { decoyOf, PasswordHasher } from './password-hasher.ts'
import { inPasswordThread } from './password-threads.ts'

const hasher = new PasswordHasher(4)

test('a password fits its own hash alone, and no hash at all', async () => {
  const known = await hasher.hash('Correct horse 9!')
  assert.match(known, /^\$2b\$04\$/)
  assert.equal(await hasher.verify('Correct horse 9!', known), true)
  assert.equal(await hasher.verify('Correct horse 9?', known), false)
  assert.equal(await hasher.verify('Correct horse 9!', undefined), false)
})

test('every byte of a long password counts', async () => {
  const long = 'x'.repeat(200)
  const known = await hasher.hash(`${long}1`)
  assert.equal(await hasher.verify(`${long}1`, known), true)
  assert.equal(await hasher.verify(`${long}2`, known), false)
})

test('what bcrypt refuses is an error, and the thread goes on', async () => {
  const asked = inPasswordThread({ kind: 'hash', text: JSON.parse('7'), cost: 4 }, ['', '', ''])
  await assert.rejects(asked, /^Error: bcrypt: /)
  assert.equal(await hasher.verify('x', await hasher.hash('x')), true)
})

test('66 wait or are at work, and one more is refused at once', async () => {
  const asked = Array.from({ length: 67 }, async () => await hasher.hash('x'))
  const ended = await Promise.allSettled(asked)
  const refused = ended.filter(({ status }) => status === 'rejected')
  assert.equal(refused.length, 1)
  assert.deepEqual(ended.at(-1), refused[0])
  await assert.rejects(Promise.all(asked), { code: 'TOO_MANY_REQUESTS' })
})

test('a guess against no hash asks for the work of one', async () => {
  const asked = Array.from({ length: 67 }, async () => await hasher.verify('x', undefined))
  const refused = (await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected')
  assert.equal(refused.length, 1)
})

test('what stands for no hash is a whole one, of the same cost', async () => {
  const known = await hasher.hash('x')
  assert.equal(decoyOf(4).length, known.length)
  assert.match(decoyOf(4), /^\$2b\$04\$[./A-Za-z0-9]+$/)
  assert.match(decoyOf(12), /^\$2b\$12\$/)
})

test('passwords are less urgent than all else', {
  skip: process.platform === 'linux' ? false : 'only Linux has a priority for each thread',
}, async () => {
  await hasher.hash('x')
  const priorities = readdirSync('/proc/self/task').map(id => niceOf(`/proc/self/task/${id}/stat`))
  const own = niceOf(`/proc/self/task/${process.pid}/stat`)
  const lower = priorities.filter(nice => nice === Math.min(own + 5, 19))
  assert.ok(lower.length === 1 || lower.length === 2 || own === 19, `${own}: ${priorities}`)
})

/** The 19th field of proc_pid_stat(5); the second one may hold anything but a last parenthesis. */
function niceOf(path: string): number {
  const text = readFileSync(path, 'utf8')
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[16])
}
