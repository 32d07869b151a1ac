import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { TOTP, URI } from 'otpauth'
import { type Ended, run, scratch, start, startServer, until } from './running-program.test.ts'

const password = 'First-Password-1'

test('a second factor is taken on, asked for at login, and taken off', async t => {
  const server = await startServer(t, join(scratch(t), 'data'), {
    env: {
      STORAGE_INITIAL_ADMIN_USERNAME: 'chief',
      STORAGE_INITIAL_ADMIN_PASSWORD: password,
      STORAGE_SECOND_FACTOR_REQUIRED: 'administrators',
    },
  })
  const env = { HOLDFAST_URL: server.url }
  /** Answers from a pipe that nobody closes. */
  const piped = async (args: string[], ...answers: string[]): Promise<Ended> =>
    await run(args, { env, input: stdin => stdin.write(`${answers.join('\n')}\n`) })

  assert.match((await piped(['login', 'chief'], password)).stderr, /must have a second factor/)
  let write: (line: string) => void = () => {}
  const turning = start(['second-factor', 'on', 'chief'], {
    env,
    input: stdin => {
      write = line => stdin.write(`${line}\n`)
    },
  })
  write(password)
  const address = await until(() => /^address: (.+)$/m.exec(turning.output().stdout)?.[1])
  const totp = URI.parse(address)
  assert.ok(totp instanceof TOTP)
  const code = (n: number) => totp.generate({ timestamp: Date.now() + n * 30_000 })
  write(code(0))
  const turned = await turning.ended
  assert.equal(turned.code, 0, turned.stderr)
  const recovery = turned.stdout.split('\n').filter(line => /^[a-z2-7-]{29}$/.test(line))
  assert.equal(recovery.length, 10)

  assert.match((await piped(['login', 'chief'], password, '000000')).stderr, /UNAUTHENTICATED/)
  const entered = await piped(['login', 'chief'], password, code(1))
  assert.equal(entered.code, 0, entered.stderr)
  const token = entered.stdout.trim()
  const listed = await run(['users'], { env: { ...env, HOLDFAST_API_KEY: token } })
  assert.match(listed.stdout, /chief .*ACTIVE +ADMIN +on /)
  const [first = '', second = ''] = recovery
  const fresh = await piped(['second-factor', 'recovery-codes', 'chief'], password, first)
  assert.equal(fresh.stdout.trim().split('\n').length, 10)
  const withOld = await piped(['login', 'chief'], password, second)
  assert.match(withOld.stderr, /UNAUTHENTICATED/)
  const off = ['second-factor', 'off', 'chief']
  assert.equal((await piped(off, password, fresh.stdout.split('\n')[3] ?? '')).code, 0)
  assert.match((await piped(['login', 'chief'], password)).stderr, /must have a second factor/)
})

test('an administrator takes it off somebody who lost it', async t => {
  const server = await startServer(t, join(scratch(t), 'data'))
  const made = await fetch(`${server.url}/api/v2/users`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-api-key': 'hf_program-tests-administrator-0123456789',
    },
    body: JSON.stringify({ username: 'ann', password, must_change_password: false }),
  })
  assert.equal(made.status, 201)
  const none = await server.holdfast('users', 'second-factor-off', 'ann')
  assert.match(none.stderr, /SECOND_FACTOR_MISSING/)
})
