import type { BlobPlace, Element } from '@holdfast/core/ports/element.ts'

export interface ElementUnderTest {
  readonly element: Element
  /**
   * Closes the element and opens the same place again. Absent exactly where `traits.durable` is
   * false.
   */
  readonly reopen?: () => Promise<Element>
  /** Changes one stored byte behind the element's back, where the test can reach it. */
  readonly damage?: (place: BlobPlace, offset: number) => Promise<void>
  /** Names of temp files left over. */
  readonly strays?: () => Promise<readonly string[]>
  close(): Promise<void>
}

export type OpenElement = () => Promise<ElementUnderTest>
