import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type ParsedSettings, parseSettings } from '@holdfast/server/config/parse-settings.ts'

export interface SettingsOptions {
  readonly dataDir?: string
  readonly host?: string
  readonly port?: string
}

/** Settings from the environment; options of the command line come first. */
export function readSettings(options: SettingsOptions = {}): ParsedSettings {
  const env: Record<string, string | undefined> = { ...process.env }
  if (options.dataDir !== undefined) env.STORAGE_DATA_DIR = options.dataDir
  if (options.host !== undefined) env.STORAGE_HOST = options.host
  if (options.port !== undefined) env.STORAGE_PORT = options.port
  const parsed = parseSettings({ env, readSecret: path => readFileSync(path, 'utf8') })
  const dataDir = resolve(parsed.settings.dataDir)
  return { ...parsed, settings: { ...parsed.settings, dataDir } }
}
