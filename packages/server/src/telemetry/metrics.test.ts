import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdentityCounts } from '@holdfast/engine/identity/identity-counts.ts'
import type { PartState } from './health-probe.ts'
import { Metrics } from './metrics.ts'

const part = (status: PartState) => ({ status, critical: false, latency_ms: null, reason: '' })
const [up, degraded] = [part('up'), part('degraded')]
const [down, unused] = [part('down'), part('disabled')]

test('services beyond the hundred largest share one label', async () => {
  const named = Array.from({ length: 150 }, (_, index) => {
    return [`s${index}`, { bytes: 1000 - index, assets: 1 }] as const
  })
  const figures = {
    stats: { assets: 170, bytes: 140_000, services: Object.fromEntries(named) },
    blobs: { blobs: 5, bytes: 900, dead: 700, deadBlobs: 2 },
    damaged: 2,
    parts: { database: up, storage: up, disk: down, redis: unused, audit: degraded },
    identity: {
      counts: new IdentityCounts(['https://idp.example.org'], 'ldaps://directory.example.org'),
      remembered: 7,
      signingKeys: 2,
      signsUntilMs: 1_800_000_000_500,
      activeAccounts: 3,
    },
    freeBytes: 0,
    active: 0,
    connections: { open: 3, max: 9, closed: { idle: 2, refused: 1 } },
    totalBytes: 0,
    redis: undefined,
    certificateEndsMs: undefined,
  }
  figures.identity.counts.countCheck('ldaps://directory.example.org', 'partial')
  const text = await new Metrics(async () => figures).text()
  const shown = [...text.matchAll(/^storage_component_up\{component="(\w+)"\} (.+)$/gm)]
  assert.deepEqual(
    shown.map(([, part, value]) => `${part} ${value}`),
    ['database 1', 'storage 1', 'disk 0', 'audit 0.5'],
  )
  assert.match(text, /^jwt_active_keys 2$/m)
  assert.match(text, /^storage_connections\{state="open"\} 3$/m)
  assert.match(text, /^storage_connections_closed_total\{which="newcomer"\} 1$/m)
  assert.match(text, /^jwt_signing_until_timestamp_seconds\{use="tokens"\} 1800000000.5$/m)
  assert.match(text, /^service_accounts_active 3$/m)
  assert.match(text, /^token_validations_total\{issuer="any",result="remembered"\} 7$/m)
  const [silent] = text.match(/^token_validations_total\{issuer="https:.+"success"\} .+$/m) ?? []
  assert.equal(silent?.split(' ').at(-1), '0')
  const checks = [...text.matchAll(/^identity_checks_total\{(.+)\} (.+)$/gm)]
  assert.deepEqual(
    checks.map(([, labels, count]) => `${labels} ${count}`),
    ['https://idp.example.org', 'ldaps://directory.example.org'].flatMap(place => {
      return ['success', 'partial', 'failed'].map(result => {
        const count = place.startsWith('ldaps') && result === 'partial' ? 1 : 0
        return `place="${place}",result="${result}" ${count}`
      })
    }),
  )
  assert.match(text, /^storage_damaged_blobs 2$/m)
  assert.match(text, /^storage_blobs\{state="live"\} 3$/m)
  assert.match(text, /^storage_blobs\{state="dead"\} 2$/m)
  assert.match(text, /^storage_dead_blob_bytes 700$/m)
  assert.doesNotMatch(text, /^redis_connection_status/m)
  assert.equal(text.match(/^storage_assets\{/gm)?.length, 101)
  assert.match(text, /^storage_assets\{service="other"\} 70$/m)
  const largest = named.slice(0, 100).reduce((sum, [, { bytes }]) => sum + bytes, 0)
  const rest = 140_000 - largest
  assert.ok(text.includes(`storage_usage_bytes{service="other",class="hot"} ${rest}\n`))
})
