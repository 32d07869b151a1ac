import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { timeText } from '../../output/amounts.ts'
import { print, printJson } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'
import { visible, visibleJson } from '../../output/visible.ts'
import { openExisting } from '../../upkeep/open-existing.ts'
import { readSettings } from '../../upkeep/read-settings.ts'

interface Filter {
  readonly actor?: string
  readonly action?: string
  readonly ip?: string
  readonly from?: string
  readonly until?: string
}

export function addAudit(program: Command): void {
  const audit = program
    .command('audit')
    .summary('the audit log: list, export, verify')
    .description('Who logged in, was refused, or changed what administrators change.')
  withFilter(audit.command('list', { isDefault: true }))
    .description('List the newest rows.')
    .option('-n, --limit <count>', 'rows to show', '50')
    .action(async (options: Filter & { limit: string }, command: Command) => {
      await list(options, command)
    })
  withFilter(audit.command('export'))
    .description('Print all rows that match, oldest first, as JSON lines or CSV.')
    .option('--csv', 'CSV instead of JSON lines')
    .action(async (options: Filter & { csv?: boolean }, command: Command) => {
      const { client, signal } = connect(command)
      const { csv, ...filter } = options
      const format = csv === true ? 'csv' : 'jsonl'
      const text = await client.audit.export({ ...filter, format }, { signal })
      print(shown(text.replace(/\r?\n$/, ''), csv === true))
    })
  audit
    .command('verify')
    .description(
      'Check that no row was changed, inserted or taken away: by the server, or with --data-dir ' +
        'in the directory of a stopped one. Ends with 1 when the log is broken.',
    )
    .option('--data-dir <dir>', 'read this directory instead of asking the server')
    .action(async (options: { dataDir?: string }, command: Command) => {
      await verify(options, command)
    })
}

/** Agents and names in it are what strangers sent. A file of CSV stays as it is. */
function shown(text: string, isCsv: boolean): string {
  if (!isCsv) return visibleJson(text)
  return process.stdout.isTTY === true ? text.split(/\r?\n/).map(visible).join('\n') : text
}

function withFilter(command: Command): Command {
  return command
    .option('--actor <id>', 'id of the principal')
    .option('--action <name>', 'operation, such as login')
    .option('--ip <address>', 'address of the caller')
    .option('--from <time>', 'not before')
    .option('--until <time>', 'before')
}

async function list(options: Filter & { limit: string }, command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const { limit, ...filter } = options
  const { items } = await client.audit.list({ ...filter, limit: Number(limit) }, { signal })
  if (json) {
    for (const row of items) printJson(row)
    return
  }
  const rows = items.map(row => [
    timeText(row.at),
    visible(row.actor_name),
    row.ip,
    row.action,
    row.code ?? row.outcome,
    visible(Object.values(row.resource).map(String).join('/')),
  ])
  printTable([['TIME', 'WHO', 'FROM', 'ACTION', 'OUTCOME', 'WHAT'], ...rows])
}

async function verify(options: { dataDir?: string }, command: Command): Promise<void> {
  const isJson = command.optsWithGlobals<{ json?: boolean }>().json === true
  const report = options.dataDir === undefined ? await ask(command) : await readHere(options)
  if (report.problems.length > 0) process.exitCode = 1
  if (isJson) return printJson({ ok: report.problems.length === 0, ...report })
  for (const problem of report.problems) print(problem)
  const verdict = report.problems.length === 0 ? 'whole' : 'NOT WHOLE'
  print(`Read ${report.rows} rows: ${verdict}.`)
}

async function ask(command: Command): Promise<{ rows: number; problems: readonly string[] }> {
  const { client, signal } = connect(command)
  const { rows, problems } = await client.audit.verify({ signal })
  return { rows, problems }
}

async function readHere(options: { dataDir?: string }) {
  const store = await openExisting({ settings: readSettings(options).settings })
  try {
    const { rows, problems } = await store.verifyAudits()
    return { rows, problems }
  } finally {
    await store.close()
  }
}
