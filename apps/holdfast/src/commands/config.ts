import { isHoldfastError } from '@holdfast/core/errors.ts'
import { explainSettings } from '@holdfast/server/config/explain-settings.ts'
import type { Command } from 'commander'
import { print, printJson, say } from '../output/say.ts'
import { printTable } from '../output/table.ts'
import { visible } from '../output/visible.ts'
import { readSettings } from '../upkeep/read-settings.ts'

export function addConfig(program: Command): void {
  const config = program
    .command('config')
    .summary('settings of the server: show, check')
    .description('Settings of the server.')
  config
    .command('show')
    .summary('show every setting, its value and where that comes from')
    .description('Show every setting, its value and where that comes from. Secrets are hidden.')
    .action((_: unknown, command: Command) => show(isJson(command)))
  config
    .command('check')
    .description('Check the settings in the environment without starting anything.')
    .action((_: unknown, command: Command) => check(isJson(command)))
}

function isJson(command: Command): boolean {
  return command.optsWithGlobals<{ json?: boolean }>().json === true
}

function show(json: boolean): void {
  const parsed = readSettings()
  const rows = explainSettings(parsed).map(row => ({ ...row, origin: originOf(row) }))
  if (json) {
    for (const row of rows) printJson(row)
    return
  }
  const cells = rows.map(({ name, value, origin, description }) => [
    name,
    value,
    origin,
    description,
  ])
  printTable([['SETTING', 'VALUE', 'FROM', 'MEANING'], ...cells])
  for (const notice of parsed.notices) say(notice)
}

function originOf({ name, given }: { name: string; given: boolean }): string {
  if (!given) return 'default'
  return (process.env[name] ?? '').trim() === '' ? 'file' : 'environment'
}

function check(json: boolean): void {
  try {
    const { notices } = readSettings()
    if (json) printJson({ valid: true, errors: [], notices })
    else {
      print('The settings are valid.')
      for (const notice of notices) print(`Note: ${notice}`)
    }
  } catch (error) {
    if (!isHoldfastError(error) || error.code !== 'SETTINGS_INVALID') throw error
    const { errors } = error.details
    process.exitCode = 1
    if (json) printJson({ valid: false, errors, notices: [] })
    else if (Array.isArray(errors)) {
      for (const { path, problem } of errors)
        print(`${visible(String(path))} ${visible(String(problem))}`)
    }
  }
}
