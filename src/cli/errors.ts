// What people read when the program fails: one line on stderr, and the exit code.
import { CommanderError } from 'commander'
import { MlflowError, reasonOf } from '../errors.ts'
import { redactPasswords } from '../platform/wire/redact.ts'
import { visible } from './visible.ts'

/** Of the program. 130 is what shells tell of one that Ctrl-C ended. */
export const EXIT = { ok: 0, failure: 1, usage: 2, interrupted: 130 } as const

/** The arguments or the environment ask for what the program cannot do. */
export class UsageError extends Error {
  /** Further mistakes beside that of the message, one a line. */
  readonly further: readonly string[]

  constructor(message: string, further: readonly string[] = []) {
    super(message)
    this.further = further
  }
}

/** A name that several things have. */
export class AmbiguousError extends Error {
  /** One thing a line. */
  readonly candidates: readonly string[]

  constructor(message: string, candidates: readonly string[]) {
    super(message)
    this.candidates = candidates
  }
}

/** Runs `read` as part of understanding the arguments: what it throws is the caller's mistake. */
export function asUsage<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof MlflowError ? new UsageError(error.message) : error
  }
}

/** The line for people, without passwords, nor signs of names that a terminal would obey. */
export const errorLine = (error: unknown): string => `crateflow: ${visible(redactPasswords(reasonOf(error)))}`

/**
 * Writes the error to stderr, with its stack at log level debug.
 * @returns the exit code
 */
export function reportError(error: unknown, debug: boolean): number {
  // Commander has written its own text.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  process.stderr.write(`${errorLine(error)}\n`)
  for (const line of furtherLines(error)) process.stderr.write(`  ${visible(line)}\n`)
  if (debug && error instanceof Error) process.stderr.write(`${redactPasswords(stackOf(error))}\n`)
  return error instanceof UsageError ? EXIT.usage : EXIT.failure
}

function furtherLines(error: unknown): readonly string[] {
  if (error instanceof AmbiguousError) return error.candidates
  return error instanceof UsageError ? error.further : []
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}
