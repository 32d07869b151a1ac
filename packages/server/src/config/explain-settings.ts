import { type ParsedSettings, prefix } from './parse-settings.ts'
import type { Setting } from './setting.ts'
import { settingsTable } from './settings-table.ts'

/** One row of `holdfast config show`, of the sample file and of the documents. */
export interface ExplainedSetting {
  readonly name: string
  readonly type: string
  readonly standard: string
  readonly description: string
  /** As text; hidden for secrets. */
  readonly value: string
  readonly given: boolean
}

export function explainSettings(parsed: ParsedSettings): ExplainedSetting[] {
  const values: Readonly<Record<string, unknown>> = parsed.settings
  return Object.entries<Setting<unknown>>(settingsTable).map(([key, row]) => ({
    name: prefix + row.name,
    type: row.kind.type,
    standard: shownBy(row, row.standard),
    description: row.description,
    value: row.secret && values[key] !== undefined ? '(hidden)' : shownBy(row, values[key]),
    given: parsed.given.has(row.name),
  }))
}

function shownBy({ kind }: Setting<unknown>, value: unknown): string {
  return kind.show === undefined ? shown(value) : kind.show(value)
}

function shown(value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  const isPlain = Array.isArray(value) && value.every(one => typeof one !== 'object')
  if (isPlain) return value.join(',')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
