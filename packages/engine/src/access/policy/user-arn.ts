import { isLike } from './wildcards.ts'

/** An account is who has buckets of their own here. */
export const ACCOUNT = /^arn:aws:iam::([^:]+):root$/
const USER = 'arn:aws:iam:::user/'
/** Of the account: digits, or a pattern of some. What is `*` alone fits the empty one as it is. */
const OF_ACCOUNT = /^(arn:[^:]*:[^:]*:[^:]*):(?!\**:)[\d*?]+:(.+)$/s

/** What `aws:PrincipalArn` says: there are no accounts in it. */
export function userArn(name: string): string {
  return `${USER}${name}`
}

/** An ARN of a condition in the one form of `userArn`, as `Principal` reads it. */
export function readUserArn(arn: string): string {
  const account = ACCOUNT.exec(arn)?.[1]
  return account === undefined ? arn.replace(OF_ACCOUNT, '$1::$2') : userArn(account)
}

/** Whether some user may have an ARN that this, read, is or is a pattern of. */
export function mayFitUser(arn: string): boolean {
  const dense = arn.replace(/\*+/g, '*')
  const most = Math.min(dense.length, 2 * USER.length + 1)
  for (let end = 1; end <= most; end += 1) {
    // What follows is of the name, of which a star may stand for all.
    const isWhole = end === dense.length && dense[end - 1] !== '*'
    if (!isWhole && isLike(USER, dense.slice(0, end))) return true
  }
  return false
}
