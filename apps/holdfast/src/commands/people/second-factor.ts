import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { readCode } from '../../connection/prove-again.ts'
import { readPassword } from '../../connection/read-password.ts'
import { print, printJson, say } from '../../output/say.ts'

/** Own second factor: asks for the password, since a session is not enough to change it. */
export function addSecondFactor(program: Command): void {
  const factor = program
    .command('second-factor')
    .summary('second-factor: on, off, recovery-codes')
    .description(
      'Codes of an authenticator app, needed at login besides the password. The password comes ' +
        'from HOLDFAST_PASSWORD, codes from HOLDFAST_CODE, a pipe or the terminal.',
    )
  factor
    .command('on')
    .description('Show a secret for the app, and switch it on with its first code.')
    .argument('<name>', 'user name or e-mail address')
    .action(turnOn)
  factor
    .command('off')
    .description('Switch it off. Ends all sessions.')
    .argument('<name>', 'user name or e-mail address')
    .action(async (username: string, _: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      await client.secondFactor.disable(await readProof(username), { signal })
      if (json) printJson({ username, second_factor: false })
    })
  factor
    .command('recovery-codes')
    .description('Print ten new recovery codes; the ones before are good no longer.')
    .argument('<name>', 'user name or e-mail address')
    .action(async (username: string, _: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      const proof = await readProof(username)
      const { recovery_codes: codes } = await client.secondFactor.renewRecoveryCodes(proof, {
        signal,
      })
      printCodes(codes, json)
    })
}

async function turnOn(username: string, _: unknown, command: Command): Promise<void> {
  const { client, json, signal } = connect(command)
  const password = await readPassword('HOLDFAST_PASSWORD', `password of ${username}:`)
  const enrolment = await client.secondFactor.begin({ username, password }, { signal })
  // What the app needs comes before the code that it then shows.
  if (json) printJson(enrolment)
  else {
    print(`secret: ${enrolment.secret}`)
    print(`address: ${enrolment.otpauth_uri}`)
  }
  const proof = { username, password, code: await readCode() }
  const { recovery_codes: codes } = await client.secondFactor.confirm(proof, { signal })
  printCodes(codes, json)
}

async function readProof(username: string) {
  const password = await readPassword('HOLDFAST_PASSWORD', `password of ${username}:`)
  return { username, password, code: await readCode() }
}

function printCodes(codes: readonly string[], json: boolean): void {
  if (json) {
    printJson({ recovery_codes: codes })
    return
  }
  for (const code of codes) print(code)
  say('each of these codes is good once, should the app be lost; they are not shown again')
}
