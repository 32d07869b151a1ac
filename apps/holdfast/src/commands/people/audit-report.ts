import type { Client } from '@holdfast/client'
import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { timeText } from '../../output/amounts.ts'
import { print, printJson } from '../../output/say.ts'
import { printTable } from '../../output/table.ts'
import { visible } from '../../output/visible.ts'

type Report = Awaited<ReturnType<Client['audit']['report']>>

interface Period {
  readonly from?: string
  readonly until?: string
}

export function addReport(audit: Command): void {
  audit
    .command('report')
    .description(
      'What the log tells of a period, and how far it is proven. Ends with 1 when the log is not ' +
        'whole or proven, or the period has more rows than were counted.',
    )
    .option('--from <time>', 'not before; 30 days before the end unless set')
    .option('--until <time>', 'before; now unless set')
    .action(async (period: Period, command: Command) => {
      const { client, json, signal } = connect(command)
      const report = await client.audit.report(period, { signal })
      if (!report.chain.ok || !report.complete) process.exitCode = 1
      if (json) printJson(report)
      else tell(report)
    })
}

function tell(report: Report): void {
  const { from, until, rows, complete } = report
  print(`Audit log from ${timeText(from)} until ${timeText(until)}`)
  print(`${rows} rows${complete ? '' : ', NOT ALL: choose a shorter period'}`)
  print('')
  tellChain(report)
  printTable([
    ['WHAT HAPPENED', 'TIMES'],
    ['refused logins', `${report.refused_logins}`],
    ['accounts locked by guesses', `${report.lockouts}`],
    ['refusals of floods', `${report.counted_refusals}`],
    ['changes of rights', `${report.rights_changes}`],
    ['changes of policies', `${report.policy_changes}`],
    ['changes of keys', `${report.key_changes}`],
    ['rotations of keys', `${report.key_rotations}`],
    ['looks of administrators', `${report.administrative_reads}`],
    ['log found broken', `${report.chain_breaks}`],
    ['breaks acknowledged', `${report.acknowledgements}`],
    ['rows dropped for age', `${report.retention_runs}`],
  ])
  for (const [title, sums] of [
    ['OUTCOME', report.by_outcome],
    ['SEVERITY', report.by_severity],
    ['ACTOR', report.by_actor_type],
    ['OPERATION', report.by_action],
  ] as const) {
    print('')
    const lines = Object.entries(sums).map(([name, count]) => [visible(name), `${count}`])
    printTable([[title, 'ROWS'], ...lines])
  }
}

function tellChain({ chain }: Report): void {
  const { ok, rows, dropped, key, retention_days: days, head } = chain
  const isBroken = chain.problems.length > 0
  print(`Whole log: ${rows} rows, ${ok ? 'whole' : isBroken ? 'NOT WHOLE' : 'NOT PROVEN'}`)
  for (const sentence of [...chain.problems, ...chain.unproven]) print(`  ${visible(sentence)}`)
  for (const sentence of chain.acknowledged) print(`  acknowledged: ${visible(sentence)}`)
  print(`Proven up to ${head}`)
  print(`Sealed by key ${key}; rows are kept ${days === 0 ? 'for ever' : `${days} days`}`)
  print(`Dropped for their age: ${dropped} rows`)
  print('')
}
