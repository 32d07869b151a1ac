import { version } from '@holdfast/server/version.ts'
import { Command } from 'commander'
import { addBench } from './commands/bench.ts'
import { addBuckets } from './commands/buckets.ts'
import { addConfig } from './commands/config.ts'
import { addGet } from './commands/get.ts'
import { addKeys } from './commands/keys.ts'
import { addLink } from './commands/link.ts'
import { addLs } from './commands/ls.ts'
import { addAccounts } from './commands/people/accounts.ts'
import { addAudit } from './commands/people/audit.ts'
import { addLogin } from './commands/people/login.ts'
import { addPassword } from './commands/people/password.ts'
import { addSecondFactor } from './commands/people/second-factor.ts'
import { addSessions } from './commands/people/sessions.ts'
import { addShare } from './commands/people/share.ts'
import { addSigningKeys } from './commands/people/signing-keys.ts'
import { addUsers } from './commands/people/users.ts'
import { addPut } from './commands/put.ts'
import { addRebuild } from './commands/rebuild.ts'
import { addRestore } from './commands/restore.ts'
import { addAcl } from './commands/rights/acl.ts'
import { addExplain } from './commands/rights/explain.ts'
import { addGrants } from './commands/rights/grants.ts'
import { addGroups } from './commands/rights/groups.ts'
import { addQuotas } from './commands/rights/quotas.ts'
import { addSecret } from './commands/rights/secret.ts'
import { addTokenStatus } from './commands/rights/token-status.ts'
import { addRm } from './commands/rm.ts'
import { addSearch } from './commands/search.ts'
import { addServe } from './commands/serve.ts'
import { addStat } from './commands/stat.ts'
import { addVerify } from './commands/verify.ts'

const ENVIRONMENT = `
Environment:
  HOLDFAST_URL      address of the server (default: http://127.0.0.1:8005)
  HOLDFAST_API_KEY  API key or access token
  HOLDFAST_BUCKET   bucket (default: holdfast)
  STORAGE_*         settings of serve and of what runs without one: see holdfast config show`

export function buildProgram(): Command {
  const program = new Command('holdfast')
    .description('One store for files: run it, put files in, get every byte back.')
    .version(version)
    .option('--url <url>', 'address of the server')
    .option('--key <key>', 'API key; HOLDFAST_API_KEY keeps it out of the process list')
    .option('--bucket <name>', 'bucket to use')
    .option('--json', 'print JSON: one object, or one per line for lists')
    .option('--debug', 'show stack traces')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'holdfast: ')),
    })
    .showHelpAfterError('Try holdfast --help.')
    .addHelpText('after', ENVIRONMENT)
  for (const add of [addServe, addPut, addGet, addLs, addStat, addSearch, addRm, addRestore]) {
    add(program)
  }
  for (const add of [addLink, addShare, addBuckets, addKeys, addLogin]) add(program)
  for (const add of [addSecondFactor, addPassword, addSessions, addSigningKeys]) add(program)
  for (const add of [addTokenStatus, addUsers, addGroups, addGrants, addAccounts]) add(program)
  for (const add of [addAcl, addExplain, addQuotas, addAudit]) add(program)
  for (const add of [addVerify, addRebuild, addSecret, addConfig, addBench]) add(program)
  return program
}
