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
  /** Words of the text that stock takes for keywords of SQL. */
  keywords: string[]
}

/** One answer per text, in order. @throws Error when the script ends early */
export const askStock = (
  python: string,
  reader: Reader,
  texts: readonly (string | string[])[],
): Promise<StockAnswer[]> =>
  runScript(
    python,
    'stock_search_parse.py',
    texts.map((text) => ({ reader, text })),
    texts.length,
  )

/** What stock stores before it searches. Metrics are texts that Python's `float` takes, "nan" among them. */
export interface StoredExperiment {
  name: string
  tags: Record<string, string>
  runs: StoredRun[]
}

export interface StoredRun {
  name: string
  user_id: string
  status: string
  start_time: number
  end_time: number | null
  metrics: Record<string, string>
  params: Record<string, string>
  tags: Record<string, string>
  /** Name, digest and context; an empty context for none. */
  datasets: [string, string, string][]
}

export interface Search {
  kind: 'runs' | 'experiments'
  filter: string
  order_by: string[]
}

/** The names that stock finds for each search, in its order. */
export const searchStock = (
  python: string,
  stored: StoredExperiment[],
  searches: Search[],
): Promise<{ found?: string[]; refused?: string }[]> =>
  runScript(python, 'stock_search_runs.py', [stored, ...searches], searches.length)

async function runScript<Answer>(
  python: string,
  script: string,
  lines: readonly unknown[],
  expected: number,
): Promise<Answer[]> {
  const child = spawn(python, [join(import.meta.dirname, script)], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    child.stdin.on('error', () => {})
    child.stdin.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const answers: Answer[] = []
    for await (const line of createInterface({ input: child.stdout })) answers.push(JSON.parse(line))
    if (answers.length !== expected) throw new Error(`${answers.length} answers to ${expected} requests`)
    return answers
  } finally {
    child.kill()
  }
}
