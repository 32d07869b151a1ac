import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { explainSettings } from './explain-settings.ts'
import { parseSettings } from './parse-settings.ts'
import { settingsTable } from './settings-table.ts'

function problemsOf(env: Record<string, string>): string[] {
  try {
    parseSettings({ env })
    return []
  } catch (error) {
    assert.ok(isHoldfastError(error))
    assert.equal(error.code, 'SETTINGS_INVALID')
    const errors = error.details.errors as { path: string; problem: string }[]
    return errors.map(({ path, problem }) => `${path}: ${problem}`)
  }
}

test('without variables everything has its documented default', () => {
  const { settings, given, notices } = parseSettings({ env: {} })
  assert.equal(settings.host, '127.0.0.1')
  assert.equal(settings.port, 8005)
  assert.equal(settings.dataDir, './data')
  assert.equal(settings.uploadBytesMax, 104_857_600)
  assert.equal(given.size, 0)
  assert.deepEqual(notices, [])
})

test('without variables logins, sessions and locks last as docs/asvs.md tells', () => {
  const { settings } = parseSettings({ env: {} })
  const [minute, day] = [60, 86_400]
  assert.deepEqual([settings.lockoutFailures, settings.lockoutSeconds], [5, 30 * minute])
  assert.deepEqual([settings.accessTokenSeconds, settings.refreshTokenSeconds], [1800, 7 * day])
  assert.deepEqual([settings.sessionSeconds, settings.confirmSeconds], [30 * day, 15 * minute])
  assert.deepEqual([settings.resetSeconds, settings.passwordDays], [15 * minute, 90])
  assert.equal(settingsTable.oidcSessionSeconds.standard, day / 2)
  assert.equal(settingsTable.ldapRecheckSeconds.standard, minute)
})

test('units, booleans and lists are understood', () => {
  const { settings } = parseSettings({
    env: {
      STORAGE_MAX_UPLOAD_SIZE: '2GiB',
      STORAGE_GARBAGE_GRACE: '36h',
      STORAGE_METRICS_ENABLED: 'Off',
      STORAGE_CORS_ORIGINS: 'https://a.example, http://b.example:8080',
      STORAGE_BUCKETS: '["photos","papers"]',
    },
  })
  assert.equal(settings.uploadBytesMax, 2 * 1024 ** 3)
  assert.equal(settings.graceSeconds, 129_600)
  assert.equal(settings.metricsEnabled, false)
  assert.deepEqual(settings.corsOrigins, ['https://a.example', 'http://b.example:8080'])
  assert.deepEqual(settings.buckets, ['photos', 'papers'])
})

test('all problems are told at once', () => {
  const problems = problemsOf({
    STORAGE_PORT: '70000',
    STORAGE_METRICS_ENABLED: 'maybe',
    STORAGE_ENVIRONMENT: 'prod',
    STORAGE_DEFAULT_BUCKET: 'No',
    STORAGE_CORS_ORIGINS: 'https://a.example/path',
    STORAGE_MAX_UPLOAD_SIZE: '-5',
  })
  assert.equal(problems.length, 6)
  assert.match(problems.join('\n'), /STORAGE_PORT: must be an integer from 0 to 65535/)
})

test('every row refuses a value it cannot take, and none is forgotten', () => {
  for (const row of Object.values(settingsTable)) {
    const problems = problemsOf({ [`STORAGE_${row.name}`]: '\u0000 nonsense \u0000' })
    assert.equal(problems.length, 1, row.name)
  }
})

test('weak or open settings are refused in production, each by name', () => {
  const weak = {
    STORAGE_DEBUG: 'on',
    STORAGE_CORS_ORIGINS: '*',
    STORAGE_TRUSTED_PROXIES: '10.0.0.0/8,fd00::/8,::1,0.0.0.0/1',
    STORAGE_BOOTSTRAP_API_KEY: 'changeme-changeme',
  }
  const within = (environment: string) => problemsOf({ ...weak, STORAGE_ENVIRONMENT: environment })
  for (const open of ['development', 'testing']) assert.deepEqual(within(open), [])
  const problems = within('production')
  assert.equal(within('staging').length, problems.length)
  assert.deepEqual(
    [...new Set(problems.map(problem => problem.split(':')[0]))],
    [
      'STORAGE_DEBUG',
      'STORAGE_CORS_ORIGINS',
      'STORAGE_TRUSTED_PROXIES',
      'STORAGE_BOOTSTRAP_API_KEY',
    ],
  )
  const withProxies = (list: string) =>
    problemsOf({ STORAGE_ENVIRONMENT: 'production', STORAGE_TRUSTED_PROXIES: list })
  assert.deepEqual(withProxies('10.0.0.0/8,::1,fc00::/7,::ffff:10.0.0.0/104'), [])
  // Where callers of IPv4 are found, too.
  for (const network of ['::ffff:0:0/96', '::ffff:128.0.0.0/97', '::/32']) {
    assert.equal(withProxies(network).length, 1, network)
  }
  assert.deepEqual(problemsOf({ STORAGE_CORS_ORIGINS: '*', STORAGE_DEBUG: 'on' }), [])
})

test('a secret of another issuer that anybody may know is refused in production', () => {
  const problemsOfSecret = (secret: string) => {
    const entry = { issuer: 'gateway', audience: 'a', algorithm: 'HS256', secret }
    const list = { STORAGE_EXTERNAL_ISSUERS: JSON.stringify([entry]) }
    assert.deepEqual(problemsOf(list), [])
    return problemsOf({ ...list, STORAGE_ENVIRONMENT: 'production' })
  }
  for (const weak of ['x'.repeat(40), 'at least 32 characters, shared with the gateway']) {
    const [problem = '', ...more] = problemsOfSecret(weak)
    assert.match(problem, /STORAGE_EXTERNAL_ISSUERS: has a secret of "gateway" that/)
    assert.ok(!problem.includes(weak))
    assert.equal(more.length, 0)
  }
  assert.deepEqual(problemsOfSecret('q7Zp0LmVx2RtYc9KfWd4HsJn8BgAe3Uo'), [])
})

test('the first service account comes whole, and with no secret that anybody knows', () => {
  const named = { STORAGE_INITIAL_ACCOUNT_NAME: 'gateway' }
  const secret = 'q7Zp0LmVx2RtYc9KfWd4HsJn8BgAe3Uo'
  const whole = { ...named, STORAGE_INITIAL_ACCOUNT_SECRET: secret }
  const clientId = (id: string) => ({ ...whole, STORAGE_INITIAL_ACCOUNT_CLIENT_ID: id })
  const good = clientId('sa_prod_gateway_0123456789ab')
  const production = { STORAGE_ENVIRONMENT: 'production' }
  assert.deepEqual(problemsOf({ ...good, ...production }), [])
  for (const [name, env] of [
    ['SECRET', named],
    ['NAME', { STORAGE_INITIAL_ACCOUNT_SECRET: secret }],
    ['SECRET', { ...named, STORAGE_INITIAL_ACCOUNT_SECRET: secret.slice(1) }],
    ['SECRET', { ...whole, ...production, STORAGE_INITIAL_ACCOUNT_SECRET: 'changeme'.repeat(4) }],
    ['CLIENT_ID', clientId('sa_prod_other_0123456789ab')],
    ['CLIENT_ID', clientId('gateway')],
    ['ROLES', { ...whole, STORAGE_INITIAL_ACCOUNT_ROLES: 'USER,ROOT' }],
  ] as const) {
    const problems = problemsOf(env)
    assert.ok(problems.length > 0, name)
    for (const problem of problems) {
      assert.match(problem, new RegExp(`^STORAGE_INITIAL_ACCOUNT_${name}:`))
      assert.ok(!problem.includes(secret.slice(1)))
    }
  }
})

test('mails do not travel in the clear where they may hold real tokens', () => {
  const mail = {
    STORAGE_SMTP_HOST: 'mail.example.org',
    STORAGE_SMTP_TLS: 'none',
    STORAGE_MAIL_FROM: 'holdfast@example.org',
    STORAGE_PASSWORD_RESET_URL: 'http://files.example.org/reset',
  }
  assert.deepEqual(problemsOf(mail), [])
  const problems = problemsOf({ ...mail, STORAGE_ENVIRONMENT: 'production' })
  assert.deepEqual(
    problems.map(problem => problem.split(':')[0]),
    ['STORAGE_SMTP_TLS', 'STORAGE_PASSWORD_RESET_URL'],
  )
  for (const [half, missing, value] of [
    ['SMTP_HOST', 'MAIL_FROM', 'mail.example.org'],
    ['MAIL_FROM', 'SMTP_HOST', 'a@example.org'],
    ['SMTP_USERNAME', 'SMTP_PASSWORD', 'holdfast'],
    ['SMTP_PASSWORD', 'SMTP_USERNAME', 'secret'],
  ] as const) {
    const [problem = ''] = problemsOf({ [`STORAGE_${half}`]: value })
    assert.match(problem, RegExp(`^STORAGE_${missing}: is needed together with STORAGE_${half}$`))
  }
  const injected = { ...mail, STORAGE_MAIL_FROM: 'a@b.c\r\nBcc: eve@example.org' }
  assert.equal(problemsOf(injected)[0]?.startsWith('STORAGE_MAIL_FROM'), true)
})

test('uploads under way are dropped after an hour at the earliest', () => {
  const { settings } = parseSettings({ env: { STORAGE_S3_UPLOAD_EXPIRY: '1h' } })
  assert.equal(settings.uploadIdleSeconds, 3600)
  assert.equal(parseSettings({ env: {} }).settings.uploadIdleSeconds, 7 * 86_400)
  for (const value of ['59m', '0', '3651d']) {
    assert.equal(problemsOf({ STORAGE_S3_UPLOAD_EXPIRY: value }).length, 1, value)
  }
})

test('settings that would pretend to another store or to encryption are refused', () => {
  assert.equal(problemsOf({ STORAGE_DATABASE_URL: 'postgresql://u:p@db/x' }).length, 1)
  assert.equal(problemsOf({ STORAGE_ENCRYPTION_KEY: 'k'.repeat(32) }).length, 1)
})

test('a secret may come from a file, but not from both places', () => {
  const readSecret = (path: string) => `${path}-contents-0123456789\n`
  const env = { STORAGE_BOOTSTRAP_API_KEY_FILE: '/run/key' }
  const { settings } = parseSettings({ env, readSecret })
  assert.equal(settings.bootstrapApiKey, '/run/key-contents-0123456789')
  const both = { ...env, STORAGE_BOOTSTRAP_API_KEY: '0123456789abcdef' }
  assert.throws(() => parseSettings({ env: both, readSecret }), { code: 'SETTINGS_INVALID' })
  const unreadable = () => {
    throw new Error('ENOENT /run/key')
  }
  assert.throws(() => parseSettings({ env, readSecret: unreadable }), { code: 'SETTINGS_INVALID' })
})

test('later and unknown names are accepted with a notice', () => {
  const { notices } = parseSettings({
    env: { STORAGE_S3_REGION: 'x', STORAGE_PROT: '1', OTHER: 'x', STORAGE_REDIS_URL: '' },
  })
  assert.equal(notices.length, 2)
  assert.match(notices[0] ?? '', /STORAGE_PROT is not a setting/)
  assert.match(notices[1] ?? '', /STORAGE_S3_REGION has no effect/)
})

test('rates are a count and a time, or off, and are shown as they are written', () => {
  for (const [text, quota, windowMs] of [
    ['600/1m', 600, 60_000],
    ['5/s', 5, 1000],
    ['100 / 10', 100, 10_000],
    ['1/1d', 1, 86_400_000],
  ] as const) {
    const { settings } = parseSettings({ env: { STORAGE_RATE_LIMIT_ADDRESS: text } })
    assert.deepEqual(settings.addressRate, { quota, windowMs }, text)
  }
  for (const text of [
    '0/1m',
    '5',
    '5/',
    '/1m',
    '5/0s',
    '5/2d',
    '-5/1m',
    '5/1y',
    '1e3/1m',
    '5/1m/1m',
  ]) {
    assert.equal(problemsOf({ STORAGE_RATE_LIMIT_ADDRESS: text }).length, 1, text)
  }
  const parsed = parseSettings({ env: { STORAGE_RATE_LIMIT_LOGIN: 'OFF' } })
  assert.equal(parsed.settings.loginRate, undefined)
  const rows = explainSettings(parsed)
  const row = rows.find(({ name }) => name === 'STORAGE_RATE_LIMIT_LOGIN')
  assert.deepEqual([row?.value, row?.standard], ['off', '30/600s'])
  const again = parseSettings({ env: { STORAGE_RATE_LIMIT_BUCKET: row?.standard ?? '' } })
  assert.deepEqual(again.settings.bucketRate, { quota: 30, windowMs: 600_000 })
})

test('the limit of service accounts is one a minute, or none', () => {
  const parse = (text: string) => parseSettings({ env: { STORAGE_RATE_LIMIT_ACCOUNT: text } })
  for (const [text, value] of [
    ['250/1m', 250],
    ['250/60s', 250],
    ['off', 0],
    ['0', 0],
  ] as const) {
    const parsed = parse(text)
    assert.equal(parsed.settings.accountRequestsPerMinute, value, text)
    const rows = explainSettings(parsed)
    const row = rows.find(({ name }) => name === 'STORAGE_RATE_LIMIT_ACCOUNT')
    assert.equal(parse(row?.value ?? '').settings.accountRequestsPerMinute, value)
    assert.equal(row?.standard, '100/60s')
  }
  for (const text of ['100', '100/1h', '100/1s', '1000001/1m', 'many']) {
    assert.equal(problemsOf({ STORAGE_RATE_LIMIT_ACCOUNT: text }).length, 1, text)
  }
})

test('maps of claims are shown as they can be given again', () => {
  const maps = [{ claim: 'realm.roles', values: { staff: ['USER'] } }]
  const parse = (text: string) => parseSettings({ env: { STORAGE_OIDC_MAPS: text } })
  const parsed = parse(JSON.stringify(maps))
  const row = explainSettings(parsed).find(({ name }) => name === 'STORAGE_OIDC_MAPS')
  assert.deepEqual(parse(row?.value ?? '').settings.oidcMaps, parsed.settings.oidcMaps)
  assert.deepEqual(parsed.settings.oidcMaps[0]?.claim, ['realm', 'roles'])
})

test('secrets are never shown', () => {
  const parsed = parseSettings({ env: { STORAGE_BOOTSTRAP_API_KEY: 'canary-0123456789' } })
  const rows = explainSettings(parsed)
  assert.equal(rows.length, Object.keys(settingsTable).length)
  assert.ok(!JSON.stringify(rows).includes('canary'))
  assert.equal(rows.find(row => row.name === 'STORAGE_BOOTSTRAP_API_KEY')?.given, true)
})
