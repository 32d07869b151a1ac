import { type DestinationStream, type Logger, pino } from 'pino'
import type { Settings } from '../config/settings-table.ts'

export type Log = Logger

/** JSON lines. Every line of a request carries request_id, trace_id and span_id. */
export function openLog(settings: Settings, version: string, out?: DestinationStream): Log {
  const options = {
    level: settings.debug ? 'debug' : settings.logLevel,
    base: { service: settings.serviceName, version, environment: settings.environment },
    messageKey: 'message',
    errorKey: 'error',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return out === undefined ? pino(options) : pino(options, out)
}
