import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Settings } from '../../config/settings-table.ts'

/** Of the store, the log, Redis and all others that are no connections. */
const RESERVE = 256
const PLACES_MIN = 64
/** By itself no process takes more: each has its price in memory, too, some 12 KiB. */
const PLACES_MAX = 32_768
/** Where the system says nothing. */
const ASSUMED = 16_384

/**
 * How many files and connections the system lets this process have open at once. Node has raised
 * the soft limit to the hard one by then.
 */
export function openFilesMax(): number {
  const { report } = process
  const told: { userLimits?: { open_files?: { soft?: unknown } } } = report.getReport()
  const soft = told.userLimits?.open_files?.soft
  if (soft === 'unlimited') return Number.POSITIVE_INFINITY
  return typeof soft === 'number' ? soft : ASSUMED
}

/**
 * How many connections there may be: what the setting says, or what leaves a quarter of the open
 * files to the store, and one for each request at work. SETTINGS_INVALID where too few are left.
 */
export function connectionsMaxOf(
  { connectionsMax, requestsMax }: Pick<Settings, 'connectionsMax' | 'requestsMax'>,
  filesMax: number,
): number {
  if (connectionsMax !== undefined) {
    if (connectionsMax <= filesMax - RESERVE) return connectionsMax
    const left = Math.max(0, filesMax - connectionsMax)
    throw refusal(
      `leaves ${left} of the ${filesMax} files that this process may have open to the store, ` +
        `which needs ${RESERVE}: lower it, or raise the limit (LimitNOFILE, ulimit -n)`,
    )
  }
  const others = filesMax - RESERVE
  const places = Math.min(0.75 * filesMax, Math.max(others - requestsMax, others / 2), PLACES_MAX)
  if (places >= PLACES_MIN) return Math.floor(places)
  throw refusal(
    `cannot be chosen: this process may have ${filesMax} files open, and needs ` +
      `${RESERVE + 2 * PLACES_MIN}: raise the limit (LimitNOFILE, ulimit -n)`,
  )
}

function refusal(problem: string): HoldfastError {
  const errors = [{ path: 'STORAGE_MAX_CONNECTIONS', problem }]
  return new HoldfastError('SETTINGS_INVALID', { errors })
}
