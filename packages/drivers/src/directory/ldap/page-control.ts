import { BerWriter, Control } from 'ldapts'
import { PAGES, STRING } from './messages.ts'

const PAGE_ENTRIES = 100

/** Asks for the page that begins at the cookie of the one before (RFC 2696). */
export class PageControl extends Control {
  readonly #cookie: Buffer

  constructor(cookie: Buffer) {
    super(PAGES)
    this.#cookie = cookie
  }

  override writeControl(writer: BerWriter): void {
    const page = new BerWriter()
    page.startSequence()
    page.writeInt(PAGE_ENTRIES)
    page.writeBuffer(this.#cookie, STRING)
    page.endSequence()
    writer.writeBuffer(page.buffer, STRING)
  }
}
