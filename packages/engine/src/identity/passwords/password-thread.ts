import { getPriority, platform, setPriority } from 'node:os'
import { type MessagePort, parentPort } from 'node:worker_threads'
import { compareSync, hashSync } from 'bcrypt'
import type { FromPasswordThread, PasswordWork } from './password-threads.ts'

const PRIORITY_MAX = 19
const LESS_URGENT = 5

function main(port: MessagePort): void {
  yieldToOthers()
  port.on('message', (work: PasswordWork) => port.postMessage(answerTo(work)))
}

function answerTo(work: PasswordWork): FromPasswordThread {
  try {
    const { text } = work
    if (work.kind === 'hash') return { result: hashSync(text, work.cost) }
    return { result: compareSync(text, work.against) }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'no reason given' }
  }
}

/**
 * On Linux a priority is that of the thread (setpriority(2), "C library/kernel differences");
 * elsewhere it would be that of the whole process. Where it is forbidden, nothing is lost but that.
 */
function yieldToOthers(): void {
  if (platform() !== 'linux') return
  try {
    setPriority(0, Math.min(getPriority(0) + LESS_URGENT, PRIORITY_MAX))
  } catch {
    return
  }
}

if (parentPort !== null) main(parentPort)
