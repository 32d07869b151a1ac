/** Content-Disposition for any Unicode name (RFC 6266, RFC 8187). */
export function disposition(kind: 'attachment' | 'inline', name: string): string {
  const safe = safeName(name)
  // Quotes, backslashes, percent signs and all but printable ASCII are read differently by clients.
  const fallback = safe.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_')
  const simple = `${kind}; filename="${fallback}"`
  return fallback === safe ? simple : `${simple}; filename*=UTF-8''${encode(safe)}`
}

/**
 * The name as a file may be called: without path separators, control characters, and characters
 * that turn the reading direction, which make `exe.gpj` look like `jpg.exe`.
 */
function safeName(name: string): string {
  return (
    name
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
      .replaceAll(/[\u0000-\u001f\u007f-\u009f/\\\u2028-\u202e\u2066-\u2069]/g, '_')
  )
}

/** `attr-char` of RFC 8187 is narrower than what encodeURIComponent leaves alone. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /['()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

const SCRIPTABLE = [
  /^text\/(?!plain$|csv$|markdown$)/,
  /^(application|image|model)\/.*(xml|html|script|svg)/,
  /^application\/(x-shockwave-flash|wasm|pdf)$/,
  /^(multipart|message)\//,
]

/** Whether a browser may be asked to show the type; those that can run scripts are saved. */
export function showable(mediaType: string): boolean {
  return !SCRIPTABLE.some(pattern => pattern.test(mediaType))
}
