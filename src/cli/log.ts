// The program's log: one JSON object per line, or lines for people. Always on stderr.
import { writeSync } from 'node:fs'
import pino, { type Logger } from 'pino'

export interface LogOptions {
  level: string
  format: 'pretty' | 'json'
}

const STDERR = 2

/** Writes at once and in this process, so that nothing is lost when it ends. */
export function createLog({ level, format }: LogOptions): Logger {
  const options = {
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  if (format === 'json') return pino(options, pino.destination({ dest: STDERR, sync: true }))
  return pino(options, { write: (line: string) => void writeSync(STDERR, prettyLine(line)) })
}

/** `07:30:01.123 INFO  request method=GET route=/health status=200 ms=0.4 id=…`; errors bring their stack. */
export function prettyLine(line: string): string {
  const { level, time, msg, reqId, err, ...rest } = JSON.parse(line) as Record<string, unknown>
  const clock = String(time).slice(11, 23)
  const named = reqId === undefined ? rest : { ...rest, id: reqId }
  const fields = Object.entries(named).map(([key, value]) => ` ${key}=${field(value)}`)
  const stack = err ? `\n${String((err as { stack?: string }).stack ?? field(err))}` : ''
  return `${clock} ${String(level).toUpperCase().padEnd(5)} ${msg ?? ''}${fields.join('')}${stack}\n`
}

const field = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
