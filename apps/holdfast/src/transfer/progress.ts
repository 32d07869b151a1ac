import { SingleBar } from 'cli-progress'
import { countText, sizeText } from '../output/amounts.ts'
import { say } from '../output/say.ts'

export interface Progress {
  /** Bytes moved; negative when an attempt starts anew. */
  add(bytes: number): void
  fileDone(): void
  stop(): void
}

export interface ProgressTotals {
  readonly files: number
  readonly bytes: number
}

/** Without a terminal a bar would fill the log: then a line now and then says how far it is. */
const LINE_EVERY_MS = 10_000

/** On the error stream, so that results can be piped on. */
export function showProgress(what: string, totals: ProgressTotals, isQuiet: boolean): Progress {
  if (isQuiet) return { add: () => {}, fileDone: () => {}, stop: () => {} }
  const at = { bytes: 0, files: 0 }
  const view = process.stderr.isTTY === true ? openBar(what, totals) : openLines(what, totals)
  return {
    add: bytes => {
      at.bytes += bytes
      view.show(at)
    },
    fileDone: () => {
      at.files += 1
      view.show(at)
    },
    stop: () => view.stop(),
  }
}

interface View {
  show(at: ProgressTotals): void
  stop(): void
}

function openBar(what: string, totals: ProgressTotals): View {
  const facts = '{size} of {sizeTotal} | {files} of {filesTotal} | ETA {eta_formatted}'
  const bar = new SingleBar({
    stream: process.stderr,
    format: `${what} [{bar}] {percentage}% | ${facts}`,
    barsize: 24,
    etaBuffer: 50,
    fps: 8,
    hideCursor: true,
    clearOnComplete: true,
    emptyOnZero: true,
  })
  const sizeTotal = sizeText(totals.bytes)
  const filesTotal = countText(totals.files, 'file')
  const first = { size: sizeText(0), sizeTotal, files: 0, filesTotal }
  // The bar runs over bytes plus one for each file, so that empty files move it as well.
  bar.start(totals.bytes + totals.files, 0, first)
  return {
    show: ({ bytes, files }) => {
      bar.update(bytes + files, { size: sizeText(Math.max(0, bytes)), files })
    },
    stop: () => bar.stop(),
  }
}

function openLines(what: string, totals: ProgressTotals): View {
  let now: ProgressTotals = { bytes: 0, files: 0 }
  const timer = setInterval(() => {
    const files = `${now.files} of ${countText(totals.files, 'file')}`
    say(`${what}: ${sizeText(now.bytes)} of ${sizeText(totals.bytes)}, ${files}`)
  }, LINE_EVERY_MS)
  timer.unref()
  return {
    show: at => {
      now = at
    },
    stop: () => clearInterval(timer),
  }
}
