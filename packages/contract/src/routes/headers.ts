/** Header texts that several routes share. Checksums of a form are those of its file. */

export const preconditions = {
  'if-match':
    'Entity tags of which one must be current, or `*`; otherwise 412. `etag` guards the content, ' +
    '`record_etag` everything told of the asset.',
  'if-none-match': 'Entity tags of which none may be the current one; `*`: only create.',
} as const

export const digests = {
  'content-md5': 'MD5 of the content, base64 (RFC 1864).',
  digest: 'Digests of the content, such as `sha-256=<base64>` (RFC 3230).',
  'repr-digest': 'Digests of the content, such as `sha-256=:<base64>:` (RFC 9530).',
  'content-digest': 'Same as Repr-Digest here: bodies are not encoded.',
  'x-amz-checksum-crc32': 'CRC-32 of the content, base64.',
  'x-amz-checksum-crc32c': 'CRC-32C of the content, base64.',
  'x-amz-checksum-sha1': 'SHA-1 of the content, base64.',
  'x-amz-checksum-sha256': 'SHA-256 of the content, base64.',
} as const

export const rawBody = {
  'content-type': 'Type of the content; sniffed when absent or application/octet-stream.',
  'content-length': 'Exact length; without it the body must be chunked.',
  'x-metadata': 'Metadata as a JSON object, at most 8 KiB; merged into what is there.',
  ...preconditions,
  ...digests,
} as const

export const reading = {
  range: 'One or several byte ranges (RFC 9110 §14).',
  'if-range': 'Entity tag or date: the range counts only while the content is this one.',
  'if-match': 'Entity tags of which one must be the current one; otherwise 412.',
  'if-none-match': 'Entity tags; 304 when one is the current one.',
  'if-modified-since': '304 when the content is not newer; ignored beside If-None-Match.',
  'if-unmodified-since': '412 when the content is newer; ignored beside If-Match.',
} as const

export const content = {
  ETag: 'Entity tag: the SHA-256 in quotes.',
  'Content-Type': 'Type of the content.',
  'Content-Length': 'Bytes that follow.',
  'Content-Disposition': 'File name, safe for any Unicode (RFC 6266, RFC 8187).',
  'Last-Modified': 'When this content was written.',
  'Accept-Ranges': '`bytes`.',
  'Repr-Digest': 'SHA-256 of the whole content (RFC 9530).',
  'X-Checksum': 'SHA-256 of the whole content, hex.',
  'X-Version': 'Number of the version sent.',
} as const

export const record = { ETag: 'Entity tag of the record, same as `record_etag`.' } as const

export const written = {
  ETag: 'Entity tag of the content now current.',
  Location: 'Path of the asset.',
} as const

/** Of a 429; all but the first go with every answer where limits are set. */
export const limited = {
  'Retry-After': 'Seconds to wait before the next request.',
  'RateLimit-Policy':
    'The limits that were asked about: `q` requests in `w` seconds, or at once ' +
    '(draft-ietf-httpapi-ratelimit-headers-11).',
  RateLimit: 'What is left of them: `r` requests for the next `t` seconds.',
  'X-RateLimit-Limit': 'Requests a minute, where the caller acts for a service account.',
  'X-RateLimit-Remaining': 'What is left of them.',
  'X-RateLimit-Reset': 'When all of them are back, in seconds since 1970.',
} as const
