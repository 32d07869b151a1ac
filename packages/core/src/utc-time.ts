/**
 * Milliseconds of a time in the forms of ISO 8601 that the W3C names, or NaN. One that names no
 * zone is of UTC, as at AWS; `Date.parse` takes it for one of the place where the server stands,
 * and much that is no time at all (https://www.w3.org/TR/NOTE-datetime).
 */
export function utcTime(text: string): number {
  const match = ISO.exec(text)
  if (match === null) return Number.NaN
  const [, time, zone] = match
  return Date.parse(time !== undefined && zone === undefined ? `${text}Z` : text)
}

const ISO = /^\d{4}(?:-\d{2}(?:-\d{2}(T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?$/
