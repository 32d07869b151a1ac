import { toHex } from '@holdfast/core/ids.ts'
import { bounds } from '@holdfast/core/limits.ts'
import { byteLength } from '@holdfast/core/names.ts'
import type { Engine } from '../../engine.ts'

export interface KeyParts {
  readonly service: string
  readonly ownerId: string
  readonly name: string
}

/** `<service>/<owner>/<YYYYMMDD>/<8 hex>_<filename>`, the key of uploads that name none. */
export function defaultKey(engine: Engine, parts: KeyParts): string {
  const day = new Date(engine.clock.now()).toISOString().slice(0, 10).replaceAll('-', '')
  const prefix = `${parts.service}/${parts.ownerId}/${day}/${toHex(engine.random.bytes(4))}_`
  const name = parts.name.replaceAll(/[/\\]/g, '_')
  return prefix + lastBytes(name, bounds.keyBytesMax - byteLength(prefix))
}

/** The part of a key that people see as the file's name. */
export function nameOfKey(key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1)
  return name === '' ? key : name
}

/** The end of a long name is kept, because it holds the extension. */
function lastBytes(text: string, bytesMax: number): string {
  let bytes = byteLength(text)
  if (bytes <= bytesMax) return text
  const characters = Array.from(text)
  let start = 0
  while (bytes > bytesMax && start < characters.length) {
    bytes -= byteLength(characters[start] ?? '')
    start += 1
  }
  return characters.slice(start).join('')
}
