import { type ReadSetting, setting, type ValuesOf } from '../setting.ts'
import { type IssuerSettings, issuerList } from './issuer-settings.ts'
import { ldapTable, readLdap } from './ldap-table.ts'
import { oidcTable, readOidc } from './oidc-table.ts'

/** Settings of places beside this store that know who somebody is. */
export const outsideTable = {
  externalIssuers: setting<readonly IssuerSettings[] | undefined>({
    name: 'EXTERNAL_ISSUERS',
    kind: issuerList,
    description:
      'Issuers whose tokens are taken, each with its algorithm, keys, audience and what its ' +
      'claims stand for. See docs/issuers.md.',
    standard: undefined,
    secret: true,
  }),
  ...ldapTable,
  ...oidcTable,
} as const

export type OutsideSettings = ValuesOf<typeof outsideTable>

/** Every row by name: a row that is added does not compile until it is read. */
export function readOutside(read: ReadSetting): OutsideSettings {
  return {
    externalIssuers: read(outsideTable.externalIssuers),
    ...readLdap(read),
    ...readOidc(read),
  }
}
