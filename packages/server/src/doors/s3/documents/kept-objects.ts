import type { JsonObject } from '@holdfast/core/records.ts'

/** Of kept JSON; what is no object is an empty one. */
export function object(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
