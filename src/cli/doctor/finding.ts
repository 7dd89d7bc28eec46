// What `crateflow doctor` finds, and how it tells it.
import { redactPasswords } from '../../platform/wire/redact.ts'
import type { Style, Terminal } from '../terminal.ts'
import { visible } from '../visible.ts'

export type Verdict = 'ok' | 'warning' | 'failure'

export interface Finding {
  verdict: Verdict
  /** What was looked at, in a word or two. */
  subject: string
  text: string
  /** What to do about it. */
  advice?: string | undefined
}

export const ok = (subject: string, text: string): Finding => ({ verdict: 'ok', subject, text })
export const warning = (subject: string, text: string, advice?: string): Finding => ({
  verdict: 'warning',
  subject,
  text,
  advice,
})
export const failure = (subject: string, text: string, advice?: string): Finding => ({
  verdict: 'failure',
  subject,
  text,
  advice,
})

/** Tells what was found as soon as it is. */
export type Tell = (...findings: Finding[]) => void

const STYLES: Record<Verdict, Style> = { ok: 'green', warning: 'yellow', failure: 'red' }
const VERDICT_WIDTH = 'failure'.length
const SUBJECT_WIDTH = 16

/** The finding for people: a line, and below it what to do. Long lines go on below their beginning. */
export function findingText({ verdict, subject, text, advice }: Finding, terminal: Terminal): string {
  const mark = terminal.paint(verdict.padEnd(VERDICT_WIDTH), STYLES[verdict])
  const indent = ' '.repeat(VERDICT_WIDTH + SUBJECT_WIDTH + 4)
  const room = terminal.width === undefined ? undefined : Math.max(30, terminal.width - indent.length)
  const lines = wrapped(safe(text), room)
  const advised = advice ? wrapped(`→ ${safe(advice)}`, room) : []
  return [
    `${mark}  ${subject.padEnd(SUBJECT_WIDTH)}  ${lines[0] ?? ''}`,
    ...[...lines.slice(1), ...advised].map((line) => indent + line),
  ].join('\n')
}

/** The finding for programs. */
export const findingJson = ({ verdict, subject, text, advice }: Finding) => ({
  verdict,
  subject,
  text: safe(text),
  ...(advice && { advice: safe(advice) }),
})

const safe = (text: string) => visible(redactPasswords(text))

/** Lines of whole words. */
function wrapped(text: string, room: number | undefined): string[] {
  if (room === undefined) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
