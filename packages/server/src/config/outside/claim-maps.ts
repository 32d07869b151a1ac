import { isHoldfastError } from '@holdfast/core/errors.ts'
import Type, { type Static } from 'typebox'
import { compileCheck } from '../../http/parse/validate.ts'
import type { Kind } from '../setting-kinds.ts'
import { jsonOf, type MappingTable, mappingProblem, tableOf } from './mapping-setting.ts'

const closed = { additionalProperties: false } as const
const text = Type.String({ minLength: 1, maxLength: 2048 })

/** A text has its parts between dots; a list names them as they are. */
export const claimPath = Type.Union([text, Type.Array(text, { minItems: 1, maxItems: 8 })])
export const claimMapList = Type.Array(
  Type.Object({ claim: claimPath, values: Type.Unknown() }, closed),
  { maxItems: 8 },
)
const check = compileCheck(claimMapList)

export interface ClaimMapSettings {
  readonly claim: readonly string[]
  readonly values: MappingTable
}

/** `[{"claim": "groups", "values": {"staff": ["USER"]}}]` */
export const claimMaps: Kind<readonly ClaimMapSettings[]> = {
  type: 'JSON list of claims with what their values stand for',
  parse: given => {
    try {
      const maps = check(jsonOf(given))
      const problem = mapsProblem(maps)
      return problem === undefined ? { value: mapsOf(maps) } : { problem }
    } catch (error) {
      const told = isHoldfastError(error) ? JSON.stringify(error.details.errors) : 'no JSON'
      return { problem: `must be a JSON list of maps: ${told}` }
    }
  },
}

export function mapsProblem(maps: Static<typeof claimMapList>): string | undefined {
  return maps.map(({ values }) => mappingProblem(values)).find(one => one !== undefined)
}

export function mapsOf(maps: Static<typeof claimMapList>): ClaimMapSettings[] {
  return maps.map(({ claim, values }) => ({ claim: pathOf(claim), values: tableOf(values) }))
}

export function pathOf(given: string | readonly string[]): readonly string[] {
  return typeof given === 'string' ? given.split('.') : given
}
