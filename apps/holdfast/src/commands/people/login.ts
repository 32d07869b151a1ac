import { type Client, isClientError } from '@holdfast/client'
import type { Command } from 'commander'
import { connect } from '../../connection/connection.ts'
import { proveAgain, readCode } from '../../connection/prove-again.ts'
import { readPassword } from '../../connection/read-password.ts'
import { timeText } from '../../output/amounts.ts'
import { print, printJson, say } from '../../output/say.ts'

export function addLogin(program: Command): void {
  program
    .command('login')
    .summary('log in and print an access token')
    .description(
      'Log in and print an access token, which takes the place of an API key:\n' +
        'export HOLDFAST_API_KEY=$(holdfast login ann). The password comes from ' +
        'HOLDFAST_PASSWORD, a pipe or the terminal; the code of the second factor, where there ' +
        'is one, from HOLDFAST_CODE, the next line of the pipe or the terminal.',
    )
    .argument('<name>', 'user name or e-mail address')
    .action(async (name: string, _: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      const password = await readPassword('HOLDFAST_PASSWORD', `password of ${name}:`)
      const tokens = await logIn(client, { username: name, password }, signal)
      if (json) printJson(tokens)
      else {
        print(tokens.access_token)
        say(`good for ${Math.round(tokens.expires_in / 60)} minutes`)
      }
    })
  program
    .command('confirm')
    .summary('prove again who you are')
    .description(
      'Prove again who you are, with what a login takes: for what gives rights to others or ' +
        'outlives the session. Commands that need it ask for it on a terminal, and take ' +
        'HOLDFAST_PASSWORD and HOLDFAST_CODE where these are set.',
    )
    .action(async (_: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      await proveAgain(client, async proof => {
        const answer = await client.sessions.confirm(proof, { signal })
        if (json) printJson(answer)
        else say(`good until ${timeText(answer.confirmed_until)}`)
      })
    })
  program
    .command('logout')
    .description('End the session of the access token.')
    .action(async (_: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      await client.auth.logout({ signal })
      if (json) printJson({ ended: true })
    })
  program
    .command('whoami')
    .description('Tell who the key or token belongs to, and what it permits.')
    .action(async (_: unknown, command: Command) => {
      const { client, json, signal } = connect(command)
      const me = await client.auth.whoAmI({ signal })
      if (json) return printJson(me)
      print(`${me.kind} ${me.name} ${me.id}`)
      if (me.permissions.length > 0) print(`everywhere: ${me.permissions.join(' ')}`)
      if (me.own_permissions.length > 0) print(`own assets: ${me.own_permissions.join(' ')}`)
    })
}

async function logIn(
  client: Client,
  credentials: { readonly username: string; readonly password: string },
  signal: AbortSignal,
) {
  try {
    return await client.auth.login(credentials, { signal })
  } catch (error) {
    if (!isClientError(error) || error.code !== 'SECOND_FACTOR_REQUIRED') throw error
    const code = await readCode()
    return await client.auth.loginWithCode(
      { challenge: String(error.details.challenge), code },
      { signal },
    )
  }
}
