// Asks on the terminal before something is taken away.
import { createInterface } from 'node:readline/promises'

/** Anything but yes is no, Ctrl-D too; Ctrl-C interrupts. */
export async function confirm(question: string): Promise<'yes' | 'no' | 'interrupted'> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const given = new AbortController()
  let isInterrupted = false
  terminal.once('SIGINT', () => {
    isInterrupted = true
    given.abort()
  })
  terminal.once('close', () => given.abort())
  try {
    const answer = await terminal.question(question, { signal: given.signal })
    return answer.trim() === 'yes' ? 'yes' : 'no'
  } catch {
    process.stdout.write('\n')
    return isInterrupted ? 'interrupted' : 'no'
  } finally {
    terminal.close()
  }
}
