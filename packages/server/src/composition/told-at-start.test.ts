import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseSettings } from '../config/parse-settings.ts'
import { openOffline } from '../offline.ts'
import { startServer, type TestServer, type Tree } from '../started-server.test.ts'

const pair = (secret: string) => ({
  STORAGE_BOOTSTRAP_S3_ACCESS_KEY_ID: 'FIRSTPAIR',
  STORAGE_BOOTSTRAP_S3_SECRET_ACCESS_KEY: secret,
})

/** Rows about keys that a start left, oldest first: action, revoked before, revoked after. */
async function told({ ask, running }: TestServer): Promise<unknown[]> {
  await running.context.audit.flush()
  const { items } = (await ask('GET /api/v2/audit?actor=system')).json
  return items
    .filter((row: Tree) => row.request_id === 'start' && row.action.endsWith('Key'))
    .map(({ action, actor_type, severity, detail: { by, before, after } }: Tree) => {
      assert.deepEqual([actor_type, severity, by], ['system', 'notice', 'settings'])
      assert.deepEqual([after.name, after.permissions], ['administrator', ['*']])
      return [action, before && before.revoked_at !== null, after.revoked_at !== null]
    })
    .toReversed()
}

test('keys that the settings make, open again or end stand in the audit log, once', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-first-'))
  const start = async (env: Record<string, string>) => await startServer({ dir, env })
  const made = [
    ['createKey', null, false],
    ['createS3Key', null, false],
  ]
  const again = [
    ['createKey', true, false],
    ['createS3Key', true, false],
  ]
  try {
    {
      await using server = await start(pair('a'.repeat(32)))
      assert.deepEqual(await told(server), made)
      const [{ id }] = (await server.ask('GET /api/v2/keys')).json.items
      assert.equal((await server.ask('DELETE /api/v2/s3/keys/FIRSTPAIR')).status, 204)
      assert.equal((await server.ask(`DELETE /api/v2/keys/${id}`)).status, 204)
    }
    {
      await using server = await start(pair('a'.repeat(32)))
      assert.deepEqual(await told(server), [...made, ...again])
    }
    {
      await using server = await start(pair('a'.repeat(32)))
      assert.deepEqual(await told(server), [...made, ...again])
    }
    const key = 'another-key-of-the-settings-0123456789'
    await using server = await start({ STORAGE_BOOTSTRAP_API_KEY: key })
    await server.running.context.audit.flush()
    const { items } = (await server.ask('GET /api/v2/audit?actor=system', { key })).json
    const newest = items.slice(0, 2).map((row: Tree) => row.action)
    assert.deepEqual(newest.toSorted(), ['createKey', 'revokeKey'])
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('a bucket of the settings that somebody made before is told to the operator', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-first-'))
  const warned = (server: TestServer) =>
    server.logLines.filter(line => line.includes('a bucket of the settings has an owner'))
  try {
    {
      await using server = await startServer({ dir })
      const permissions = ['buckets:create']
      const { key } = (
        await server.ask('POST /api/v2/keys', { json: { name: 'early', permissions } })
      ).json
      for (const name of ['taken', 'other']) {
        const made = await server.ask('POST /api/v2/buckets', { key, json: { name } })
        assert.equal(made.status, 201, made.text)
      }
      assert.deepEqual(warned(server), [])
    }
    await using server = await startServer({ dir, env: { STORAGE_BUCKETS: 'taken,fresh' } })
    const [line = '', ...others] = warned(server)
    assert.deepEqual(others, [])
    const { bucket, owner_id, level } = JSON.parse(line)
    const [{ id }] = (await server.ask('GET /api/v2/keys')).json.items.filter(
      (key: Tree) => key.name === 'early',
    )
    assert.deepEqual([bucket, owner_id, level], ['taken', id, 'warn'])
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('a name of the settings that another has is told, and one that they made is not', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-first-'))
  const env = {
    STORAGE_INITIAL_ADMIN_USERNAME: 'chief',
    STORAGE_INITIAL_ADMIN_PASSWORD: 'Correct-Horse-7-Battery',
    STORAGE_INITIAL_ACCOUNT_NAME: 'runner',
    STORAGE_INITIAL_ACCOUNT_SECRET: 'c2VjcmV0LW9mLXRoZS1zZXR0aW5ncy1hLWxvbmctb25l',
  }
  const warned = ({ logLines }: TestServer) =>
    logLines
      .filter(line => line.includes('another one has its name'))
      .map(line => JSON.parse(line))
      .map(({ level, username, name }) => [level, username ?? name])
  try {
    {
      await using server = await startServer({ dir: join(dir, 'others') })
      for (const [path, json] of [
        ['users', { username: 'Chief', password: 'Others-Password-2026', roles: ['USER'] }],
        ['service-accounts', { name: 'runner', roles: ['USER'] }],
      ] as const) {
        const made = await server.ask(`POST /api/v2/${path}`, { json })
        assert.equal(made.status, 201, made.text)
      }
    }
    await using server = await startServer({ dir: join(dir, 'others'), env })
    assert.deepEqual(warned(server), [
      ['warn', 'chief'],
      ['warn', 'runner'],
    ])
    for (const _ of [1, 2]) {
      await using own = await startServer({ dir: join(dir, 'own'), env })
      assert.deepEqual(warned(own), [])
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('a change of the secret that was cut off is told until it is ended', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-first-'))
  const marker = join(dir, 'holdfast.json')
  const told = ({ logLines }: TestServer) =>
    logLines.filter(line => line.includes('holdfast secret change')).length
  try {
    {
      await using server = await startServer({ dir })
      assert.equal(told(server), 0)
    }
    const plain = JSON.parse(readFileSync(marker, 'utf8'))
    const fresh = plain.secret.split('').reverse().join('')
    for (const [sealing, times] of [
      [[fresh, plain.secret], 1],
      [[fresh], 0],
    ] as const) {
      writeFileSync(marker, JSON.stringify({ ...plain, format: 2, sealing }))
      await using server = await startServer({ dir })
      assert.equal(told(server), times)
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('a change of the secret stands in the audit log, once, however a start ends', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-secret-'))
  const { settings } = parseSettings({ env: { STORAGE_DATA_DIR: dir } })
  const { signal } = new AbortController()
  const change = async (isCutOff = false) => {
    const store = await openOffline({ settings, newSecret: true })
    if (!isCutOff) await store.changeSecret({ revokeS3Keys: false, signal })
    await store.close()
  }
  const rows = async (): Promise<Tree[]> => {
    await using server = await startServer({ dir })
    return (await server.ask('GET /api/v2/audit?action=secret.changed')).json.items
  }
  const note = join(dir, 'notes', 'secret-told')
  try {
    assert.deepEqual(await rows(), [])
    await change(true)
    assert.deepEqual(await rows(), [])
    await change()
    const [first = {}, ...others] = await rows()
    assert.deepEqual([first.severity, first.actor_type, others], ['notice', 'system', []])
    assert.match(first.detail.secret, /^[0-9a-f]{16}$/)
    assert.equal(readFileSync(note, 'utf8'), first.detail.secret)
    // As a start that died behind the row.
    rmSync(note)
    assert.equal((await rows()).length, 1)
    writeFileSync(note, 'x'.repeat(1_000_000))
    assert.equal((await rows()).length, 1)
    assert.equal((await rows()).length, 1)
    await change()
    const names = (await rows()).map(({ detail }) => detail.secret)
    assert.equal(new Set(names).size, 2)
    assert.equal(names.length, 2)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
