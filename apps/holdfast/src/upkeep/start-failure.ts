import { type HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { Settings } from '@holdfast/server/config/settings-table.ts'
import { failureText } from '../output/failure-text.ts'
import { visible } from '../output/visible.ts'
import { damageReason } from './damage-reason.ts'

/** Why a store or server does not start, and what to do: for the person who started it. */
export function startFailureText(error: unknown, settings: Settings): string {
  const dir = visible(settings.dataDir)
  if (isHoldfastError(error)) return storeText(error, dir) ?? failureText(error)
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const { host, port } = settings
  if (code === 'EADDRINUSE') {
    return `port ${port} of ${host} is taken by another program; choose another STORAGE_PORT`
  }
  if (code === 'EACCES') {
    return `port ${port} of ${host} may not be opened by this user; choose another STORAGE_PORT`
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `${host} is no address of this machine; choose another STORAGE_HOST`
  }
  return failureText(error)
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
  if (code === 'STORE_FOREIGN') {
    const why = reason ?? 'its marker does not fit'
    return `${dir} is not a data directory of Holdfast: ${why} (${code})`
  }
  if (code === 'STORE_DAMAGED') {
    const why = visible(damageReason(error) ?? 'nothing more is known')
    return `${dir} is damaged and was not opened: ${why} (${code})`
  }
  if (code === 'STORAGE_UNAVAILABLE') return `${dir} cannot be used: ${diskText(reason)} (${code})`
  return undefined
}

function diskText(reason: string | undefined): string {
  if (reason === 'EROFS') return 'it is on a read-only disk'
  if (reason === 'EACCES' || reason === 'EPERM') return 'this user may not write there'
  if (reason === 'ENOTDIR') return 'it, or what it lies in, is not a directory'
  return reason ?? 'the disk refuses it'
}
