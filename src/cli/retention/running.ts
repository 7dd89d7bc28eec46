// Runs policies and shows how far they are until they end.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Execution, StepWire } from '../../lifecycle/retention/schema.ts'
import type { Ask } from '../asking.ts'
import { EXIT, errorLine } from '../errors.ts'
import { duration, isoTime, rowsText, size } from '../humane.ts'
import { print, printTable } from '../print.ts'
import { visible } from '../visible.ts'

const PATH = 'api/crateflow/1.0/retention'
const POLL_MS = 250
const LONGEST_POLL_MS = 2_000

/** Begins the policies and waits for them. @returns 1 when one of them failed or was cancelled */
export async function runAll(
  ask: Ask,
  { json }: { json: boolean },
  { selection, detach }: { selection: object; detach: boolean },
): Promise<number> {
  const { executions } = await ask<{ executions: Execution[] }>({
    method: 'POST',
    path: `${PATH}/executions/run`,
    body: selection,
  })
  if (executions.length === 0 && !json) print('There are no such policies.')
  let code: number = EXIT.ok
  for (const begun of executions) {
    const ended = detach ? begun : await untilEnded(ask, begun, progressLine(json))
    if (json) print(JSON.stringify(ended))
    else report(ended)
    if (ended.state === 'failed' || ended.state === 'cancelled') code = EXIT.failure
  }
  return code
}

async function untilEnded(
  ask: Ask,
  begun: Execution,
  line: { show: (execution: Execution) => void; end: () => void },
): Promise<Execution> {
  const path = `${PATH}/executions/get?execution_id=${begun.execution_id}&max_results=1`
  try {
    for (let pause = POLL_MS, now = begun; ; pause = Math.min(pause * 1.5, LONGEST_POLL_MS)) {
      if (now.state !== 'running') return now
      line.show(now)
      await sleep(pause)
      now = (await ask<{ execution: Execution }>({ method: 'GET', path })).execution
    }
  } finally {
    line.end()
  }
}

/** One line that is written anew, where stderr is a terminal. */
function progressLine(json: boolean) {
  const isShown = process.stderr.isTTY && !json
  return {
    show(execution: Execution) {
      if (!isShown) return
      const { policy_name, steps_done, steps_planned, rows, bytes } = execution
      const steps = steps_planned === undefined ? '' : `${steps_done} of ${steps_planned} steps, `
      process.stderr.write(`\r\u001b[K${visible(policy_name)}: ${steps}${rowsText(rows, bytes)}`)
    },
    end() {
      if (isShown) process.stderr.write('\r\u001b[K')
    },
  }
}

function report(execution: Execution): void {
  const { policy_name, state, rows, bytes, steps_done, execution_id, started_at, ended_at, message } =
    execution
  const told = `${policy_name}: ${state}, ${steps_done} ${steps_done === 1 ? 'step' : 'steps'}, ${rowsText(rows, bytes)}`
  const took = ended_at === undefined ? '' : ` in ${duration(ended_at - started_at)}`
  print(visible(`${told}${took} (${execution_id})`))
  if (message) process.stderr.write(`${errorLine(new Error(`${policy_name}: ${message}`))}\n`)
}

/** Shows an execution with its statements. */
export async function showExecution(ask: Ask, { json }: { json: boolean }, id: string): Promise<number> {
  const query = new URLSearchParams({ execution_id: id, max_results: '1000' })
  let isFirst = true
  do {
    const page = await ask<{ execution: Execution; steps: StepWire[]; next_page_token?: string }>({
      method: 'GET',
      path: `${PATH}/executions/get?${query}`,
    })
    query.set('page_token', page.next_page_token ?? '')
    if (json) print(JSON.stringify(page))
    else {
      if (isFirst) report(page.execution)
      const titles = [['STEP', 'BEGAN', 'TOOK', 'STATE', 'ROWS', 'SIZE', 'PARTITION', 'STATEMENT']]
      if (page.steps.length > 0) printTable([...(isFirst ? titles : []), ...page.steps.map(stepCells)])
    }
    isFirst = false
  } while (query.get('page_token'))
  return EXIT.ok
}

const stepCells = (step: StepWire): string[] => [
  String(step.number),
  isoTime(step.started_at),
  step.duration_ms === undefined ? '-' : duration(step.duration_ms),
  step.state,
  step.rows === undefined ? '-' : String(step.rows),
  step.bytes === undefined ? '-' : size(step.bytes),
  step.partition ?? '-',
  step.message === undefined ? step.statement : `${step.statement} (${step.message})`,
]
