import { SimpleElement } from './element/simple-element.ts'
import { elementSuite } from './element-suite.ts'

elementSuite('simple', async () => {
  const blobs = new Map<string, Uint8Array>()
  const place = { blobs, notes: new Map<string, string>() }
  return {
    element: new SimpleElement(place),
    reopen: async () => new SimpleElement(place),
    async damage({ location }, offset) {
      const bytes = blobs.get(location)
      if (bytes !== undefined) bytes[offset]! ^= 1
    },
    close: async () => {},
  }
})
