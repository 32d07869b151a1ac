import { type FieldProblem, HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import type { Awaitable } from '@holdfast/core/ports/awaitable.ts'
import type { ApiKey } from '@holdfast/core/records.ts'
import { endReplacedKeys, ensureAccessKey } from '@holdfast/engine/access/keys/access-keys.ts'
import { newSecret } from '@holdfast/engine/access/keys/key-secret.ts'
import { ensureKey } from '@holdfast/engine/access/keys/keys.ts'
import type { AuditLog } from '@holdfast/engine/audit/audit-log.ts'
import { type Engine, ensureBuckets } from '@holdfast/engine/engine.ts'
import { ensureAccount } from '@holdfast/engine/identity/accounts/first-account.ts'
import { ensureAdministrator } from '@holdfast/engine/identity/users/users.ts'
import type { Settings } from '../config/settings-table.ts'
import type { Log } from '../telemetry/log.ts'
import { ownEntry } from './audit.ts'

/** Whoever made one of that name before rules all that is stored there since. */
export async function prepareBuckets(engine: Engine, settings: Settings, log: Log): Promise<void> {
  const names = new Set([settings.defaultBucket, ...settings.buckets])
  await ensureBuckets(engine, [...names])
  for (const name of names) {
    const ownerId = (await engine.catalog.view.buckets.byName(name))?.ownerId ?? null
    if (ownerId === null) continue
    log.warn({ bucket: name, owner_id: ownerId }, 'a bucket of the settings has an owner')
  }
}

interface FirstKeyOptions {
  readonly settings: Settings
  readonly audit: AuditLog
  readonly onFirstKey?: ((secret: string) => void) | undefined
}

/**
 * The key that the settings give; on the very first start without one, a fresh one. It is told
 * before it is kept: a process that dies in between leaves no key behind, so the next start makes
 * another one, while one kept first and never told would lock everybody out.
 */
export async function prepareKeys(engine: Engine, options: FirstKeyOptions): Promise<void> {
  const administrator = { name: 'administrator', permissions: ['*'] }
  const { settings, audit, onFirstKey } = options
  const { keys } = engine.catalog.view
  const ensure = async (secret: string) => {
    const work = () => ensureKey(engine, { ...administrator, secret })
    await recordKeys(engine, audit, { kind: 'Key', list: () => keys.list(), work })
  }
  if (settings.bootstrapApiKey !== undefined) {
    try {
      await ensure(settings.bootstrapApiKey)
    } catch (error) {
      throw ofSettings(error, () => 'STORAGE_BOOTSTRAP_API_KEY')
    }
    return
  }
  if (onFirstKey === undefined || (await keys.count()) > 0) return
  const secret = newSecret(engine.random)
  onFirstKey(secret)
  await ensure(secret)
}

/** The key pair for S3 that the settings give, and no other that they gave. */
export async function prepareAccessKey(
  engine: Engine,
  settings: Settings,
  { audit, log }: { readonly audit: AuditLog; readonly log: Log },
): Promise<void> {
  const { s3AccessKeyId: id, s3SecretAccessKey: secret } = settings
  if (id === undefined || secret === undefined) return
  const { accessKeys } = engine.catalog.view
  const given = { id, secret, name: 'administrator', permissions: ['*'] }
  const work = async () => {
    await ensureAccessKey(engine, given)
    for (const { id: keyId } of await endReplacedKeys(engine, given)) {
      log.warn(
        { access_key_id: keyId },
        'the settings give another S3 key pair: this one is revoked',
      )
    }
  }
  await recordKeys(engine, audit, { kind: 'S3Key', list: () => accessKeys.list(), work })
}

interface KeyWork {
  readonly kind: 'Key' | 'S3Key'
  readonly list: () => Awaitable<readonly (ApiKey | AccessKey)[]>
  readonly work: () => Promise<unknown>
}

/** What a start makes, opens again after it was revoked, or ends stands in the log like all. */
async function recordKeys(
  { clock }: Engine,
  audit: AuditLog,
  { kind, list, work }: KeyWork,
): Promise<void> {
  const before = new Map((await list()).map(key => [key.id, key]))
  await work()
  for (const key of await list()) {
    const was = before.get(key.id)
    if (was?.seq === key.seq) continue
    const action = `${key.revokedAt === null ? 'create' : 'revoke'}${kind}`
    const detail = { by: 'settings', before: was ? keyFacts(was) : null, after: keyFacts(key) }
    audit.record(ownEntry(clock, { requestId: 'start', action, resource: { id: key.id }, detail }))
  }
}

function keyFacts({ id, name, permissions, buckets, revokedAt }: ApiKey | AccessKey) {
  return { id, name, permissions, buckets, revoked_at: revokedAt }
}

/** Made by somebody who knew that the settings would ask for it, or by chance: who may say. */
const TAKEN = 'a principal of the settings was not made: another one has its name'

export async function prepareAdministrator(
  engine: Engine,
  settings: Settings,
  { audit, log }: { readonly audit: AuditLog; readonly log: Log },
): Promise<void> {
  const { initialAdminUsername: username, initialAdminPassword: password } = settings
  if (username === undefined || password === undefined) return
  const { initialAdminEmail: email } = settings
  try {
    const made = await ensureAdministrator(engine, { username, password, ...(email && { email }) })
    if (made !== undefined) {
      recordMade(engine, audit, { action: 'createUser', made, name: username })
      return
    }
    const known = await engine.catalog.view.identities.byName('user', username.toLowerCase())
    if (known?.isSystem !== true) log.warn({ username }, TAKEN)
  } catch (error) {
    throw ofSettings(error, path => `STORAGE_INITIAL_ADMIN_${path.toUpperCase()}`)
  }
}

/** The same for whoever wrote the settings: fields that are wrong by their names there. */
function ofSettings(error: unknown, nameOf: (path: string) => string): unknown {
  if (!isHoldfastError(error) || error.code !== 'VALIDATION_ERROR') return error
  const wrong = Array.isArray(error.details.errors) ? (error.details.errors as FieldProblem[]) : []
  const errors = wrong.map(({ path, problem }) => ({ path: nameOf(path), problem }))
  return new HoldfastError('SETTINGS_INVALID', { errors }, { cause: error })
}

/** The service account that the settings give. */
export async function prepareAccount(
  engine: Engine,
  settings: Settings,
  { audit, log }: { readonly audit: AuditLog; readonly log: Log },
): Promise<void> {
  const { initialAccountName: name, initialAccountSecret: secret } = settings
  if (name === undefined || secret === undefined) return
  const { initialAccountClientId: clientId, initialAccountRoles: roles } = settings
  const made = await ensureAccount(engine, { name, secret, roles, clientId })
  if (made === undefined) {
    const { identities } = engine.catalog.view
    const known =
      (await identities.byName('service_account', `name:${name}`)) ??
      (await identities.byName('service_account', clientId ?? ''))
    if (known?.isSystem !== true) log.warn({ name, client_id: clientId }, TAKEN)
    return
  }
  log.info({ client_id: made.clientId }, 'service account of the settings made')
  recordMade(engine, audit, { action: 'createAccount', made, name: made.clientId })
}

/** Whoever writes the settings gives rights, too. */
function recordMade(
  { clock }: Engine,
  audit: AuditLog,
  what: {
    readonly action: string
    readonly made: { readonly id: string; readonly roles: readonly string[] }
    readonly name: string
  },
): void {
  const { action, name, made } = what
  const { id, roles } = made
  const detail = { by: 'settings', before: null, after: { id, name, roles: [...roles] } }
  audit.record(ownEntry(clock, { requestId: 'start', action, resource: { id }, detail }))
}
