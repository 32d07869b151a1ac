/** One message may be made of: the library reads all of it before anybody else gets a turn. */
const PARTS_MAX = 16_384

/** More pieces of what is no whole message yet are joined. */
export const PIECES_MAX = 1024

/** RFC 4511 §4, X.690 §8.1.2. */
const BOOLEAN = 0x01
const INTEGER = 0x02
export const STRING = 0x04
const ENUMERATED = 0x0a
const SEQUENCE = 0x30
const SET = 0x31
const BIND_RESPONSE = 0x61
const SEARCH_ENTRY = 0x64
const SEARCH_DONE = 0x65
const SEARCH_REFERENCE = 0x73
const EXTENDED_RESPONSE = 0x78
const CONTROLS = 0xa0

/** Simple Paged Results (RFC 2696). */
export const PAGES = '1.2.840.113556.1.4.319'

/** Longer than any answer may be, here or there: whoever asked may ask for less. */
export class AnswerTooLong extends Error {}

export interface Message {
  /** Without controls: the library reads also those that nobody asked for. */
  readonly bytes: Buffer
  /** Where the next page begins; undefined where nothing is said of pages. */
  readonly cookie: Buffer | undefined
}

/**
 * Messages of a directory, whole and well made. The library takes lengths on trust: one part that
 * is longer than what holds it keeps it reading the same byte for ever, or backwards.
 */
export class Messages {
  #held: Buffer[] = []
  #heldBytes = 0
  /** Fewer bytes are no message yet. */
  #wantedBytes = 0;

  /** Throws for what is none. One at a time: read one within the other, they fill the stack. */
  *read(chunk: Buffer): Generator<Message> {
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    if (this.#heldBytes < this.#wantedBytes) {
      // Bytes that come one by one would cost a hundred times what they are.
      if (this.#held.length > PIECES_MAX) this.#held = [Buffer.concat(this.#held)]
      return
    }
    let rest = Buffer.concat(this.#held)
    for (let end = endOf(rest); end !== undefined && end <= rest.length; end = endOf(rest)) {
      yield readMessage(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
    this.#held = [rest]
    this.#heldBytes = rest.length
    this.#wantedBytes = endOf(rest) ?? 0
  }
}

/** Of the first part; undefined before its length has come. */
export function endOf(bytes: Buffer): number | undefined {
  return spanAt(bytes, 0)?.to
}

export function readMessage(whole: Buffer): Message {
  const budget = { parts: PARTS_MAX }
  const within = (bytes: Buffer) => new Parts(bytes, budget)
  const message = within(within(whole).take(SEQUENCE))
  if (message.take(INTEGER).length === 0) throw unreadable()
  checkOperation(message, within)
  const bytes = message.taken()
  let cookie: Buffer | undefined
  while (!message.isAtEnd) {
    const isControls = message.tag === CONTROLS
    const body = message.take()
    if (isControls) cookie = cookieIn(within(body), within)
  }
  return { bytes: sequence(bytes), cookie }
}

type Within = (bytes: Buffer) => Parts

function checkOperation(message: Parts, within: Within): void {
  const { tag } = message
  const operation = within(message.take())
  switch (tag) {
    case SEARCH_ENTRY: {
      operation.take(STRING)
      const attributes = within(operation.take(SEQUENCE))
      operation.end()
      while (!attributes.isAtEnd) checkAttribute(within(attributes.take(SEQUENCE)), within)
      break
    }
    case SEARCH_REFERENCE:
      while (!operation.isAtEnd) operation.take(STRING)
      break
    case BIND_RESPONSE:
    case SEARCH_DONE:
    case EXTENDED_RESPONSE:
      if (operation.take(ENUMERATED).length === 0) throw unreadable()
      operation.take(STRING)
      operation.take(STRING)
      while (!operation.isAtEnd) {
        // Here the library would take them for those of the message.
        if (operation.tag === CONTROLS) throw unreadable()
        operation.take()
      }
      break
    default:
      throw unreadable()
  }
}

function checkAttribute(attribute: Parts, within: Within): void {
  attribute.take(STRING)
  const values = within(attribute.take(SET))
  attribute.end()
  while (!values.isAtEnd) values.take(STRING)
}

function cookieIn(controls: Parts, within: Within): Buffer | undefined {
  let cookie: Buffer | undefined
  while (!controls.isAtEnd) {
    const control = within(controls.take(SEQUENCE))
    const isOfPages = control.take(STRING).equals(Buffer.from(PAGES))
    if (control.tag === BOOLEAN) control.take()
    if (!isOfPages) continue
    const page = within(within(control.take(STRING)).take(SEQUENCE))
    page.take(INTEGER)
    cookie = page.take(STRING)
  }
  return cookie
}

/** What fills `bytes`, one part after the other. */
class Parts {
  readonly #bytes: Buffer
  readonly #budget: { parts: number }
  #at = 0

  constructor(bytes: Buffer, budget: { parts: number }) {
    this.#bytes = bytes
    this.#budget = budget
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  get tag(): number | undefined {
    return this.#bytes[this.#at]
  }

  /** What the next part holds. */
  take(tag = this.tag): Buffer {
    const span = spanAt(this.#bytes, this.#at)
    if (span === undefined || span.to > this.#bytes.length || this.tag !== tag) throw unreadable()
    this.#budget.parts -= 1
    if (this.#budget.parts < 0) throw new AnswerTooLong(`more than ${PARTS_MAX} parts`)
    this.#at = span.to
    return this.#bytes.subarray(span.from, span.to)
  }

  /** All parts up to the next. */
  taken(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  end(): void {
    if (!this.isAtEnd) throw unreadable()
  }
}

/** Of what the part there holds; undefined before its length has come. */
function spanAt(bytes: Buffer, at: number): { from: number; to: number } | undefined {
  const first = bytes[at + 1]
  if (first === undefined) return undefined
  const size = first < 0x80 ? 0 : first & 0x7f
  // The length is not said (RFC 4511 §5.1 forbids it), or is beyond all limits.
  if (first === 0x80 || size > 4) throw unreadable()
  const from = at + 2 + size
  if (from > bytes.length) return undefined
  return { from, to: from + (size === 0 ? first : bytes.readUIntBE(at + 2, size)) }
}

function sequence(body: Buffer): Buffer {
  const head = Buffer.from([SEQUENCE, 0x84, 0, 0, 0, 0])
  head.writeUInt32BE(body.length, 2)
  return Buffer.concat([head, body])
}

function unreadable(): Error {
  return new Error('the answer cannot be read')
}
