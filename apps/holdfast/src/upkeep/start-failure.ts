import { type HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { Settings } from '@holdfast/server/config/settings-table.ts'
import { failureText } from '../output/failure-text.ts'
import { visible } from '../output/visible.ts'

/** Why a store or server does not start, and what to do: for the person who started it. */
export function startFailureText(error: unknown, settings: Settings): string {
  const dir = visible(settings.dataDir)
  if (isHoldfastError(error)) return storeText(error, dir) ?? failureText(error)
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const { host, port, names } = listenerOf(error, settings)
  if (code === 'EADDRINUSE') {
    return `port ${port} of ${host} is taken by another program; choose another ${names}PORT`
  }
  if (code === 'EACCES') {
    return `port ${port} of ${host} may not be opened by this user; choose another ${names}PORT`
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `${host} is no address of this machine; choose another ${names}HOST`
  }
  return failureText(error)
}

/** Which of the addresses an error of listening is about. */
function listenerOf(error: unknown, settings: Settings) {
  const { host, port, metricsHost, metricsPort, s3Host, s3Port } = settings
  const own = { host, port, names: 'STORAGE_' }
  if (!(error instanceof Error) || !('port' in error) || error.port === port) return own
  if (error.port === s3Port) return { host: s3Host ?? host, port: s3Port, names: 'STORAGE_S3_' }
  return { host: metricsHost, port: metricsPort, names: 'STORAGE_METRICS_' }
}

function storeText(error: HoldfastError, dir: string): string | undefined {
  const { code, details } = error
  const reason = typeof details.reason === 'string' ? details.reason : undefined
  if (code === 'STORE_LOCKED') {
    return `another process uses ${dir}; stop it, or choose another STORAGE_DATA_DIR (${code})`
  }
  if (code === 'STORE_FOREIGN' && typeof details.format === 'number') {
    const known = String(details.supported)
    return (
      `${dir} has format ${details.format}, and this version knows formats up to ${known}; ` +
      `nothing was changed. Run the newer version (${code})`
    )
  }
  if (code === 'STORE_FOREIGN' && typeof details.schema === 'number') {
    return (
      `the catalog of ${dir} has schema ${details.schema}, and this version knows schemas up to ` +
      `${String(details.supported)}; nothing was changed. Run the newer version, or make the ` +
      `catalog again with "holdfast rebuild" (${code})`
    )
  }
  if (code === 'STORE_FOREIGN') {
    const why = reason ?? 'its marker does not fit'
    return `${dir} is not a data directory of Holdfast: ${why} (${code})`
  }
  if (code === 'STORE_DAMAGED') {
    const why = visible(reason ?? 'nothing more is known')
    return `${dir} is damaged and was not opened: ${why}${remedyOf(details.part)} (${code})`
  }
  if (code === 'STORAGE_UNAVAILABLE') return `${dir} cannot be used: ${diskText(reason)} (${code})`
  return undefined
}

/** Said only where it is safe: a damaged log must first be looked at by a person. */
function remedyOf(part: unknown): string {
  return part === 'catalog' ? '; "holdfast rebuild" makes it again from the packs' : ''
}

function diskText(reason: string | undefined): string {
  if (reason === 'EROFS') return 'it is on a read-only disk'
  if (reason === 'EACCES' || reason === 'EPERM') return 'this user may not write there'
  if (reason === 'ENOTDIR') return 'it, or what it lies in, is not a directory'
  return reason ?? 'the disk refuses it'
}
