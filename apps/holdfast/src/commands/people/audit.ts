import type { AuditRowResponse } from '@holdfast/contract/schemas/people/audit.ts'
import { actorTypes, severities } from '@holdfast/core/identities.ts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { connect } from '../../connection/connection.ts'
import { timeText } from '../../output/amounts.ts'
import { print, printJson, printPieces } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'
import { visible, visibleCsv, visibleJson, visiblePieces } from '../../output/visible.ts'
import { openExisting } from '../../upkeep/open-existing.ts'
import { readSettings } from '../../upkeep/read-settings.ts'
import { addReport } from './audit-report.ts'

interface Filter {
  readonly actor?: string
  readonly action?: string
  readonly ip?: string
  readonly outcome?: 'success' | 'refused' | 'failed'
  readonly severity?: (typeof severities)[number]
  readonly actorType?: (typeof actorTypes)[number]
  readonly session?: string
  readonly from?: string
  readonly until?: string
}

export function addAudit(program: Command): void {
  const audit = program
    .command('audit')
    .summary('the audit log: list, export, report, verify, acknowledge')
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
      const rows = await client.audit.exportStream({ ...queryOf(filter), format }, { signal })
      await printPieces(shown(rows, csv === true), signal)
    })
  addReport(audit)
  audit
    .command('verify')
    .description(
      'Check that no row was changed, inserted or taken away: by the server, or with --data-dir ' +
        'in the directory of a stopped one, with the keys of STORAGE_AUDIT_KEY or _FILE. Prints ' +
        'where the log ends, to be kept elsewhere. Ends with 1 when it is not whole or proven.',
    )
    .option('--data-dir <dir>', 'read this directory instead of asking the server')
    .option('--head <number:hash>', 'an earlier head, which the log must still have', parseHead)
    .action(async (options: Verifying, command: Command) => {
      await verify(options, command)
    })
  audit
    .command('acknowledge')
    .description(
      'Take note of all that verify finds wrong now, so that /health and verify no longer call ' +
        'the log broken for it. Needs audit:admin; the log tells who did it and why.',
    )
    .requiredOption('--reason <text>', 'what was found out about it')
    .action(async (options: Acknowledging, command: Command) => {
      await acknowledge(options, command)
    })
}

interface Acknowledging {
  readonly reason: string
}

async function acknowledge({ reason }: Acknowledging, command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const findings: string[] = []
  for (let isDone = false; !isDone; ) {
    const answer = await client.audit.acknowledge({ reason }, { signal })
    findings.push(...answer.findings)
    // One that names nothing new would go on for ever.
    isDone = !answer.more || answer.findings.length === 0
  }
  if (json) return printJson({ findings })
  for (const sentence of findings) print(sentence)
  print(`Acknowledged: ${findings.length}.`)
}

type Pieces = AsyncIterable<Uint8Array>

/** Agents and names in it are what strangers sent. A file of CSV stays as it is. */
function shown(rows: Pieces, isCsv: boolean): Pieces | AsyncIterable<string> {
  if (!isCsv) return visiblePieces(rows, visibleJson)
  return process.stdout.isTTY === true ? visiblePieces(rows, visibleCsv) : rows
}

function withFilter(command: Command): Command {
  return command
    .option('--actor <id>', 'id of the principal')
    .option('--action <name>', 'operation, such as login')
    .option('--ip <address>', 'address of the caller')
    .addOption(
      new Option('--outcome <outcome>', 'how it ended').choices(['success', 'refused', 'failed']),
    )
    .addOption(new Option('--severity <severity>', 'how grave it is').choices(severities))
    .addOption(new Option('--actor-type <type>', 'who did it').choices(actorTypes))
    .option('--session <id>', 'id of the login')
    .option('--from <time>', 'not before')
    .option('--until <time>', 'before')
}

function queryOf({ actorType, session, ...filter }: Filter) {
  return {
    ...filter,
    ...(actorType === undefined ? {} : { actor_type: actorType }),
    ...(session === undefined ? {} : { session_id: session }),
  }
}

async function list(options: Filter & { limit: string }, command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const { limit, ...filter } = options
  const items: AuditRowResponse[] = []
  // Pages of large rows are short.
  for (let [left, cursor]: [number, string | null] = [Number(limit), null]; ; ) {
    const query = { ...queryOf(filter), limit: left, ...(cursor !== null && { cursor }) }
    const page = await client.audit.list(query, { signal })
    items.push(...page.items)
    left -= page.items.length
    cursor = page.items.length > 0 && left > 0 ? page.next_cursor : null
    if (cursor === null) break
  }
  if (json) {
    for (const row of items) printJson(row)
    return
  }
  const rows = items.map(row => [
    timeText(row.at),
    row.severity,
    visible(row.actor_name),
    row.ip,
    row.action,
    row.code ?? row.outcome,
    visible(Object.values(row.resource).map(String).join('/')),
  ])
  printTable([['TIME', 'SEVERITY', 'WHO', 'FROM', 'ACTION', 'OUTCOME', 'WHAT'], ...rows])
}

async function verify(options: Verifying, command: Command): Promise<void> {
  const isJson = command.optsWithGlobals<{ json?: boolean }>().json === true
  const report = options.dataDir === undefined ? await ask(options, command) : await look(options)
  const { rows, dropped, problems, acknowledged, unproven, head } = report
  const ok = problems.length === 0 && unproven.length === 0
  if (!ok) process.exitCode = 1
  if (isJson) return printJson({ ok, ...report })
  for (const sentence of [...problems, ...unproven]) print(sentence)
  for (const sentence of acknowledged) print(`acknowledged: ${sentence}`)
  if (dropped > 0)
    print(`Begins behind row ${dropped}: the rows before were dropped for their age.`)
  const verdict = ok ? 'whole' : problems.length > 0 ? 'NOT WHOLE' : 'NOT PROVEN'
  print(`Read ${rows} rows: ${verdict}.`)
  print(`Head ${head}`)
}

interface Verifying {
  readonly dataDir?: string
  readonly head?: string
}

interface Report {
  readonly rows: number
  readonly dropped: number
  readonly acknowledged: readonly string[]
  readonly problems: readonly string[]
  readonly unproven: readonly string[]
  readonly head: string
}

function parseHead(text: string): string {
  if (/^\d{1,15}:[0-9a-f]{64}$/.test(text)) return text
  throw new InvalidArgumentError('It must be a head as verify prints it.')
}

async function ask({ head }: Verifying, command: Command): Promise<Report> {
  const { client, signal } = connect(command)
  return await client.audit.verify(head === undefined ? {} : { head }, { signal })
}

async function look(options: Verifying): Promise<Report> {
  const store = await openExisting({ settings: readSettings(options).settings })
  try {
    const [seq, hash = ''] = options.head?.split(':') ?? []
    const kept = seq === undefined ? undefined : { seq: Number(seq), hash }
    const { head, ...report } = await store.verifyAudits({ kept })
    return { ...report, head: `${head.seq}:${head.hash}` }
  } finally {
    await store.close()
  }
}
