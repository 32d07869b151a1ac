import { setTimeout as sleep } from 'node:timers/promises'
import type { Lab } from '../access/open-lab.ts'
import { password } from '../access/people.ts'
import type { Answer } from '../access/wire.ts'
import type { Run } from '../runner/program.ts'

const guessesAtOnce = 60
/** Long enough for all that comes at once, short enough to be waited for. */
export const lockSeconds = 8

/**
 * However many guesses come at once, by whatever door, five are evaluated and the rest are turned
 * away, also the right one under the other name; the lock ends by itself, and until then nothing
 * acts for the account.
 */
export async function bruteForce(run: Run, lab: Lab): Promise<void> {
  const email = 'guessed@example.org'
  const user = {
    username: 'guessed',
    email,
    password,
    roles: ['USER'],
    must_change_password: false,
  }
  await lab.must('POST', '/api/v2/users', user)
  const login = { username: 'guessed', password }
  for (let round = 0; round < 2; round += 1) {
    const { access_token: token } = await lab.must('POST', '/api/v2/auth/login', login)
    const answers = await Promise.all(
      Array.from({ length: guessesAtOnce }, (_, n) =>
        guess(lab, ['guessed', 'GUESSED', 'Guessed'], n),
      ),
    )
    run.count('guesses', answers.length)
    const evaluated = answers.filter(({ status }) => status === 401).length
    const turnedAway = answers.filter(({ status }) => status === 423 || status === 429).length
    if (evaluated !== 5) run.fail(`${evaluated} guesses were evaluated`)
    else if (evaluated + turnedAway !== answers.length) run.fail('a guess was answered otherwise')
    else run.pass(answers.length)
    await requireHeldUp(run, lab, { login, token })
    // What the lock says to others would tell that both names are of one account.
    const { status } = await send(lab, '/api/v2/auth/login', { username: email, password })
    if (status === 401) run.pass()
    else run.fail(`locked, and the right password gets ${status} under the other name`)
    await sleep(lockSeconds * 1000 + 500)
    if ((await send(lab, '/api/v2/auth/login', login)).status === 200) run.pass()
    else run.fail('the lock did not end by itself')
  }
  await oneTooFew(run, lab, login)
  await sameForStrangers(run, lab)
}

async function requireHeldUp(
  run: Run,
  lab: Lab,
  { login, token }: { readonly login: object; readonly token: string },
): Promise<void> {
  const right = await send(lab, '/api/v2/auth/login', login)
  if (right.status !== 423 || right.headers['retry-after'] === undefined) {
    run.fail(`locked, and the right password gets ${right.status}`)
  } else run.pass()
  const headers = { authorization: `Bearer ${token}` }
  const { status } = await lab.rest.ask({ method: 'GET', path: '/api/v2/auth/me', headers })
  if (status === 423) run.pass()
  else run.fail(`locked, and its session gets ${status}`)
}

/** Four failures and a success begin the count anew. */
async function oneTooFew(run: Run, lab: Lab, login: object): Promise<void> {
  for (let round = 0; round < 2; round += 1) {
    for (let n = 0; n < 4; n += 1) await guess(lab, ['guessed'], n)
    run.count('guesses', 4)
    const { status } = await send(lab, '/api/v2/auth/login', login)
    if (status === 200) run.pass()
    else run.fail(`four failures locked: ${status}`)
  }
}

/** A name that nobody has is locked, and told so, like one that somebody has. */
async function sameForStrangers(run: Run, lab: Lab): Promise<void> {
  const shape = ({ status, headers, text }: Answer) => {
    const { date: _, 'x-request-id': id = '', ...rest } = headers
    return `${status} ${JSON.stringify(rest)} ${text.replaceAll(id, '…')}`
  }
  for (let n = 0; n < 7; n += 1) {
    const known = shape(await guess(lab, ['guessed'], n))
    const stranger = shape(await guess(lab, ['a-stranger'], n))
    run.count('guesses', 2)
    if (known.replaceAll(/\d+/g, '#') === stranger.replaceAll(/\d+/g, '#')) run.pass()
    else run.fail(`the answers differ:\n    ${known}\n    ${stranger}`)
  }
}

/** At the login or where a password is changed: both ask for it. */
async function guess(lab: Lab, names: readonly string[], n: number): Promise<Answer> {
  const wrong = { username: names[n % names.length], password: `Guess-${n}-guess-guess` }
  if (n % 2 === 0) return await send(lab, '/api/v2/auth/login', wrong)
  return await send(lab, '/api/v2/auth/password', { ...wrong, new_password: `${password}-new` })
}

async function send(lab: Lab, path: string, body: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  const bytes = Buffer.from(JSON.stringify(body))
  return await lab.rest.ask({ method: 'POST', path, headers, body: bytes })
}
