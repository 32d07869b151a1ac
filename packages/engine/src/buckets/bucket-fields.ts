import { type FieldProblem, HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import { bucketNameProblem, contentTypeProblem } from '@holdfast/core/names.ts'
import type { BucketSettings, Versioning } from '@holdfast/core/records.ts'
import type { Action } from '../access/actions.ts'

export type BucketPatch = {
  readonly [Name in keyof BucketSettings]?: BucketSettings[Name] | undefined
}

const ACTIONS: { readonly [Name in keyof BucketSettings]?: Action } = {
  versioning: 's3:PutBucketVersioning',
  publicRead: 's3:PutBucketAcl',
  corsOrigins: 's3:PutBucketCORS',
  versionsMax: 's3:PutLifecycleConfiguration',
  versionRetentionDays: 's3:PutLifecycleConfiguration',
}

/** What a change does in words of policies; what these have no word for is the gravest of them. */
export function actionsOfPatch(patch: BucketPatch): Action[] {
  const names = (Object.keys(patch) as (keyof BucketSettings)[]).filter(
    name => patch[name] !== undefined,
  )
  if (names.length === 0) return ['s3:PutBucketPolicy']
  return [...new Set(names.map(name => ACTIONS[name] ?? 's3:PutBucketPolicy'))]
}

const VERSIONING: ReadonlySet<string> = new Set<Versioning>(['enabled', 'disabled', 'suspended'])
const LIST_MAX = 100
const ORIGIN_BYTES_MAX = 512

/** INVALID_NAME unless every door can name a bucket so. */
export function requireBucketName(name: string): void {
  const problem = bucketNameProblem(name)
  if (problem === undefined) return
  throw new HoldfastError('INVALID_NAME', { errors: [{ path: 'name', problem }] })
}

/** VALIDATION_ERROR naming every setting that is wrong. */
export function requireBucketPatch(patch: BucketPatch): void {
  const problems: FieldProblem[] = []
  if (patch.contentTypes !== undefined) problems.push(...patternProblems(patch.contentTypes))
  if (patch.corsOrigins !== undefined) problems.push(...originProblems(patch.corsOrigins))
  for (const [path, value] of [
    ['asset_bytes_max', patch.assetBytesMax],
    ['versions_max', patch.versionsMax],
    ['version_retention_days', patch.versionRetentionDays],
  ] as const) {
    if (value === undefined || value === null) continue
    if (!Number.isSafeInteger(value) || value < 1) {
      problems.push({ path, problem: 'must be a whole number from 1, or null' })
    }
  }
  const versioning: string | undefined = patch.versioning
  if (versioning !== undefined && !VERSIONING.has(versioning)) {
    problems.push({ path: 'versioning', problem: 'must be enabled, disabled or suspended' })
  }
  if (problems.length > 0) throw invalidFields(...problems)
}

/** The settings with the given ones replaced. */
export function patchedSettings(settings: BucketSettings, patch: BucketPatch): BucketSettings {
  return {
    versioning: patch.versioning ?? settings.versioning,
    publicRead: patch.publicRead ?? settings.publicRead,
    contentTypes: patch.contentTypes ?? settings.contentTypes,
    assetBytesMax: given(patch.assetBytesMax, settings.assetBytesMax),
    versionsMax: given(patch.versionsMax, settings.versionsMax),
    versionRetentionDays: given(patch.versionRetentionDays, settings.versionRetentionDays),
    corsOrigins: patch.corsOrigins ?? settings.corsOrigins,
  }
}

/** Null is a value here: it hands the decision back to the server's settings. */
function given(value: number | null | undefined, otherwise: number | null): number | null {
  return value === undefined ? otherwise : value
}

function patternProblems(patterns: readonly string[]): FieldProblem[] {
  if (patterns.length > LIST_MAX) return [tooMany('content_types')]
  return patterns.flatMap((pattern, index) => {
    if (pattern === '*' || pattern === '*/*') return []
    const bare = pattern.endsWith('/*') ? `${pattern.slice(0, -1)}x` : pattern
    const problem =
      pattern === pattern.toLowerCase() ? contentTypeProblem(bare) : 'must be lower case'
    return problem === undefined ? [] : [{ path: `content_types[${index}]`, problem }]
  })
}

function originProblems(origins: readonly string[]): FieldProblem[] {
  if (origins.length > LIST_MAX) return [tooMany('cors_origins')]
  return origins.flatMap((origin, index) => {
    if (origin === '*') return []
    const parsed = origin.length <= ORIGIN_BYTES_MAX ? URL.parse(origin) : null
    if (parsed !== null && parsed.origin === origin && parsed.origin !== 'null') return []
    const problem = 'must be * or an origin such as https://example.org'
    return [{ path: `cors_origins[${index}]`, problem }]
  })
}

function tooMany(path: string): FieldProblem {
  return { path, problem: `at most ${LIST_MAX} entries` }
}
