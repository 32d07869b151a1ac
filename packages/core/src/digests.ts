/** Digests sent along with bytes; all given ones must match before anything is visible. */
export interface ExpectedDigests {
  /** Lower-case hex. */
  readonly sha256?: string
  readonly md5?: string
  readonly sha1?: string
  readonly sha512?: string
  readonly crc32?: string
  readonly crc32c?: string
  readonly crc64nvme?: string
}
export type DigestName = keyof ExpectedDigests
