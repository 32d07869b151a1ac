import type { JsonObject } from '@holdfast/core/records.ts'
import { invalidArgument } from '../errors.ts'
import { malformed } from '../xml/read.ts'
import type { BucketDocument } from './bucket-document.ts'
import { object } from './kept-objects.ts'
import { objectLockShape } from './shapes.ts'

const DAYS_MAX = 36_500
const YEARS_MAX = 100

export const objectLock: BucketDocument = {
  name: 'objectLock',
  root: 'ObjectLockConfiguration',
  shape: objectLockShape,
  read: 's3:GetBucketObjectLockConfiguration',
  write: 's3:PutBucketObjectLockConfiguration',
  missing: 'ObjectLockConfigurationNotFoundError',
  check: checkObjectLock,
  kept: ({ Rule: rule }) => {
    const { Mode: mode, Days: days, Years: years } = object(object(rule).DefaultRetention)
    if (mode === undefined) return { enabled: true }
    return {
      enabled: true,
      rule: {
        mode,
        ...(days === undefined ? {} : { days }),
        ...(years === undefined ? {} : { years }),
      },
    }
  },
  shown: ({ rule }) => {
    const { mode, days, years } = object(rule)
    const enabled = { ObjectLockEnabled: 'Enabled' }
    if (mode === undefined) return enabled
    const time = days === undefined ? { Years: years ?? null } : { Days: days }
    return { ...enabled, Rule: { DefaultRetention: { Mode: mode, ...time } } }
  },
}

/** Exactly one of days and years, and a time that is one. */
function checkObjectLock(document: JsonObject): void {
  if (document.ObjectLockEnabled !== 'Enabled') throw malformed()
  if (document.Rule === undefined) return
  const { Days: days, Years: years } = object(object(document.Rule).DefaultRetention)
  if ((days === undefined) === (years === undefined)) throw malformed()
  const [name, given, max] =
    days === undefined
      ? (['Years', years, YEARS_MAX] as const)
      : (['Days', days, DAYS_MAX] as const)
  if (typeof given === 'number' && given >= 1 && given <= max) return
  const message =
    typeof given === 'number' && given > max
      ? 'Default retention period too large.'
      : 'Default retention period must be a positive integer value.'
  throw invalidArgument(name, String(given), message)
}
