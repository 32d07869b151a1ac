import type { KeySetSource } from '@holdfast/core/ports/key-set.ts'
import { groupNameOf } from '@holdfast/engine/identity/outside/directory/group-name.ts'
import type { ClaimMap, Issuer } from '@holdfast/engine/identity/outside/issuers/issuer.ts'
import { type Mapping, standingOf } from '@holdfast/engine/identity/outside/mapping.ts'
import type { ClaimMapSettings } from './claim-maps.ts'
import type { IssuerSettings } from './issuer-settings.ts'
import type { MappingTable } from './mapping-setting.ts'

export type OpenKeySet = (of: Pick<IssuerSettings, 'jwksUrl' | 'jwksFile'>) => KeySetSource

/** The issuers of the settings as the engine takes them. */
export function buildIssuers(issuers: readonly IssuerSettings[], openKeySet: OpenKeySet): Issuer[] {
  return issuers.map(given => {
    const { jwksUrl, jwksFile, secret, maps, always, ...same } = given
    return {
      ...same,
      keys:
        secret === undefined
          ? openKeySet({ jwksUrl, jwksFile })
          : { secret: new TextEncoder().encode(secret) },
      maps: buildMaps(maps),
      always: standingOf(always),
    }
  })
}

export function buildMaps(maps: readonly ClaimMapSettings[]): ClaimMap[] {
  return maps.map(({ claim, values }) => ({ claim, mapping: mappingOf(values) }))
}

export function mappingOf(table: MappingTable): Mapping {
  return new Map(Object.entries(table).map(([name, words]) => [name, standingOf(words)]))
}

export function groupMappingOf(table: MappingTable): Mapping {
  const entries = Object.entries(table).map(([name, words]) => [groupNameOf(name), words])
  return mappingOf(Object.fromEntries(entries))
}
