import { setting } from './setting.ts'
import { boolean, integer, type Kind } from './setting-kinds.ts'

const KEY = /^(?:store|[\x21-\x2b\x2d-\x7e]{32,1024})$/

/** Keys between commas. None of them is in what is told of a wrong one. */
const keys: Kind<readonly string[]> = {
  type: 'keys of 32 or more printable ASCII characters, comma-separated',
  parse: text => {
    const value = text.split(',').map(key => key.trim())
    const isGood = value.every(key => KEY.test(key)) && new Set(value).size === value.length
    return isGood ? { value } : { problem: 'must be keys of 32 or more printable ASCII characters' }
  },
}

/** Rows of the settings table about the audit log. */
export const auditSettings = {
  auditData: setting({
    name: 'AUDIT_DATA_CHANGES',
    kind: boolean,
    description:
      'Also write every change of an asset to the audit log, with address and agent. Off, such ' +
      'changes stand in the change log alone.',
    standard: false,
  }),
  auditKeys: setting<readonly string[]>({
    name: 'AUDIT_KEY',
    kind: keys,
    description:
      'Seals the audit log, instead of a key from the data directory. Behind a comma, keys that ' +
      'did before, the newest first; `store` is the one of the data directory.',
    standard: [],
    secret: true,
  }),
  auditRunsMax: setting({
    name: 'AUDIT_RUNS_PER_CALLER',
    kind: integer(1, 1000),
    description:
      'Reports on, and checks of, the whole audit log of one caller at once, and as many exports.',
    standard: 2,
  }),
  auditRetentionDays: setting({
    name: 'AUDIT_RETENTION_DAYS',
    kind: integer(0, 36_500, 'days'),
    description:
      'Rows of the audit log that are older are dropped, once a day, and a row tells so; 0 keeps ' +
      'all. A log that is not whole loses none.',
    standard: 0,
  }),
} as const
