/** A difference from every order that is right, with its reason. */
interface Right {
  readonly one: RegExp
  readonly other: RegExp
  /** Answers of both. */
  readonly codes: RegExp
  readonly reason: string
}

const everything = /^/

const rights: readonly Right[] = [
  {
    one: /^updateBucket \(nobodys\)$/,
    other: everything,
    codes: /^409 CHANGED_MEANWHILE/,
    reason: 'settings and owner are two commits; the error says that the first may be done',
  },
  {
    one: /^updateBucket \(nobodys\)$/,
    other: /^updateBucket \(versions\)$/,
    codes: /^done \/ done$/,
    reason: 'the same two commits: the owner of before set the same setting between them',
  },
  {
    one: /^removeByKey$/,
    other: /^(removeByKey|removeAsset|batchDelete|s3\.DeleteObjects?)( \(guest\))?$/,
    codes: /^done \/ done$/,
    reason: 'who removes what somebody else removes at that moment gets what they asked for',
  },
  {
    one: /^(logout|endSession|endUserSession)$/,
    other: /^(logout|endSession|endUserSessions?)$/,
    codes: /^done \/ done$/,
    reason: 'a session that two end has ended for both',
  },
  {
    one: /^s3\.PutObjectAcl/,
    other: /^updateBucket \((give|nobodys)\)$/,
    codes: /^403 AccessDenied \/ done$/,
    reason: 'the list names the owner of before; sent again it names the next one',
  },
  {
    one: /^putAssetContent$/,
    other: /^(updateAsset \(file\)|createVersion|rollbackVersion)$/,
    codes: /^done \/ done$/,
    reason: 'content without a type is of that which the asset had when the bytes came',
  },
  {
    one: /^changePassword \(code\)$/,
    other: /^(disableSecondFactor|removeUserSecondFactor)$/,
    codes: /^401 UNAUTHENTICATED \/ done$/,
    reason: 'its code was one of a factor that is gone; sent again it needs none',
  },
  {
    one: /^resetUserPassword$/,
    other: /^(resetUserPassword|password changed and back)$/,
    codes: /^done \/ done(, done)?$/,
    reason: 'two who set the same password at a time both get it; it is remembered twice',
  },
  {
    one: /^(source|target) given$/,
    other: /^move (across|back)( \(guest\))?$/,
    codes: /^done \/ done$/,
    reason: 'a gift goes asset by asset: what was given before it moved away stays given',
  },
]

export function rightDifference(
  one: string,
  other: string,
  codes: readonly string[],
): string | undefined {
  const told = codes.join(' / ')
  return rights.find(
    right => right.one.test(one) && right.other.test(other) && right.codes.test(told),
  )?.reason
}
