// Asks stock MLflow how it reads filter and order_by strings, many at a time.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export type Reader =
  | 'run_filter'
  | 'experiment_filter'
  | 'logged_model_filter'
  | 'run_order_by'
  | 'experiment_order_by'

/** What stock read; the text of its refusal; or, with `crashed`, what it answers 500 to. */
export interface StockAnswer {
  parsed?: unknown[][]
  refused?: string
  code?: string
  crashed?: string
}

const SCRIPT = join(import.meta.dirname, 'stock_search_parse.py')

/** One answer per text, in order. @throws Error when the script ends early */
export async function askStock(
  python: string,
  reader: Reader,
  texts: readonly (string | string[])[],
): Promise<StockAnswer[]> {
  const child = spawn(python, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    child.stdin.on('error', () => {})
    child.stdin.end(texts.map((text) => `${JSON.stringify({ reader, text })}\n`).join(''))
    const answers: StockAnswer[] = []
    for await (const line of createInterface({ input: child.stdout })) answers.push(JSON.parse(line))
    if (answers.length !== texts.length)
      throw new Error(`${answers.length} answers to ${texts.length} requests`)
    return answers
  } finally {
    child.kill()
  }
}
