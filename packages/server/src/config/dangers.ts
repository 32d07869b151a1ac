import type { FieldProblem } from '@holdfast/core/errors.ts'
import type { Settings } from './settings-table.ts'

const WELL_KNOWN = [
  'admin',
  'administrator',
  'bootstrap',
  'changeme',
  'default',
  'holdfast',
  'letmein',
  'minioadmin',
  'password',
  'qwerty',
  'secret',
  'test',
  '0123456789abcdef',
]

/** Settings that would open or lose the store: refused where it may hold real data. */
export function dangers(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
): FieldProblem[] {
  const problems = [...notBuilt(env), ...halfPairs(settings)]
  if (settings.environment === 'development' || settings.environment === 'testing') return problems
  const refuse = (name: string, problem: string) => {
    problems.push({ path: `STORAGE_${name}`, problem: `${problem} (${settings.environment})` })
  }
  if (settings.debug) refuse('DEBUG', 'must be off: debug lines may tell too much')
  if (settings.logLevel === 'trace') refuse('LOG_LEVEL', 'must not be trace')
  if (settings.corsOrigins.includes('*')) {
    refuse('CORS_ORIGINS', 'must name origins: * lets any page call this server')
  }
  const key = settings.bootstrapApiKey
  if (key !== undefined) {
    if (key.length < 32) refuse('BOOTSTRAP_API_KEY', 'must have at least 32 characters')
    if (new Set(key).size < 10) refuse('BOOTSTRAP_API_KEY', 'must not be so regular')
    const lower = key.toLowerCase()
    if (WELL_KNOWN.some(word => lower.replaceAll(word, '').replaceAll(/[^a-z0-9]/g, '') === '')) {
      refuse('BOOTSTRAP_API_KEY', 'is a well-known credential')
    }
  }
  return problems
}

/** Half a pair would be served without TLS, which nobody who set it wants. */
function halfPairs({ tlsCertFile, tlsKeyFile }: Settings): FieldProblem[] {
  if ((tlsCertFile === undefined) === (tlsKeyFile === undefined)) return []
  const [set, missing] =
    tlsCertFile === undefined
      ? ['TLS_KEY_FILE', 'TLS_CERT_FILE']
      : ['TLS_CERT_FILE', 'TLS_KEY_FILE']
  return [{ path: `STORAGE_${missing}`, problem: `is needed together with STORAGE_${set}` }]
}

/**
 * Settings that change where or how data is kept must not be ignored: someone would believe that
 * the data is in PostgreSQL, or encrypted.
 */
function notBuilt(env: Readonly<Record<string, string | undefined>>): FieldProblem[] {
  const problems: FieldProblem[] = []
  const database = env.STORAGE_DATABASE_URL?.trim() ?? ''
  if (database !== '' && !database.startsWith('sqlite:')) {
    problems.push({
      path: 'STORAGE_DATABASE_URL',
      problem: 'this version keeps its catalog in embedded SQLite only; leave it unset',
    })
  }
  for (const name of ['STORAGE_ENCRYPTION_KEY', 'STORAGE_ENCRYPTION_KEY_FILE']) {
    if ((env[name]?.trim() ?? '') === '') continue
    problems.push({ path: name, problem: 'this version cannot encrypt at rest; leave it unset' })
  }
  const enabled = env.STORAGE_ENCRYPTION_ENABLED?.trim().toLowerCase() ?? ''
  if (['true', '1', 'on', 'yes'].includes(enabled)) {
    problems.push({
      path: 'STORAGE_ENCRYPTION_ENABLED',
      problem: 'this version cannot encrypt at rest; leave it off',
    })
  }
  return problems
}
