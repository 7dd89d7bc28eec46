// Plain OpenTelemetry, in Python and in JavaScript, leaves the same traces here as on stock MLflow.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseJson } from '../../src/platform/wire/int64.ts'
import { describeEachEngine } from '../support/engines.ts'
import { sendHttp } from '../support/http.ts'
import { missing } from '../support/services.ts'
import { runClient } from './client.ts'
import { besideStock } from './servers.ts'

const PROGRAMS = join(import.meta.dirname, 'opentelemetry')
const API = '/api/3.0/mlflow/traces'

/** Programs with what each prints: its traces, by what is special about them. */
const SDKS = {
  'spans.py': ['in a batch', 'compressed, for a run', 'one by one, set up by the environment'],
  'spans.mjs': ['in a batch', 'compressed, for a run', 'as JSON', 'as compressed JSON'],
}

/** What a server answers of the traces that the program exports to it, by their titles. */
async function exported(url: string, program: string): Promise<Record<string, unknown>> {
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await sendHttp(url, method, path, body)
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
    // biome-ignore lint/suspicious/noExplicitAny: what it holds is compared as a whole
    return answer.body as any
  }
  const named = { name: `${program} ${crypto.randomUUID()}` }
  const experiment = (await ask('POST', '/api/2.0/mlflow/experiments/create', named)).experiment_id
  const created = { experiment_id: experiment, start_time: 1 }
  const run = (await ask('POST', '/api/2.0/mlflow/runs/create', created)).run.info.run_id
  const command = program.endsWith('.mjs') ? process.execPath : undefined
  const printed = await runClient(url, [join(PROGRAMS, program), experiment, run], {}, command)
  const locations = [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } }]
  const search = (filter: string) => ask('POST', `${API}/search`, { locations, filter })
  const answers: Record<string, unknown> = {
    'of the run': await search(`run_id = '${run}'`),
    'of the session': await search("metadata.`mlflow.trace.session` = 'basket'"),
  }
  for (const [title, id] of Object.entries(parseJson(printed) as Record<string, string>)) {
    answers[title] = {
      trace: await ask('GET', `${API}/get?trace_id=tr-${id}`),
      info: await ask('GET', `${API}/tr-${id}`),
      spans: await ask('GET', `/ajax-api/3.0/mlflow/get-trace-artifact?request_id=tr-${id}`),
    }
  }
  const text = JSON.stringify(answers, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value))
  return JSON.parse(text.replaceAll(experiment, '<experiment>').replaceAll(run, '<run>'))
}

describe.skipIf(missing('stock'))('OpenTelemetry', () => {
  for (const [program, traces] of Object.entries(SDKS)) {
    const run = (url: string) => exported(url, program)
    const answersOn = besideStock(run)

    describeEachEngine(
      program,
      (target) => {
        const answers = answersOn(target)

        it.each([...traces, 'of the run', 'of the session'])('keeps what is sent %s', (title) => {
          expect(answers.expected[title]).toBeDefined()
          expect(answers.ours[title]).toEqual(answers.expected[title])
        })
      },
      ['CrateDB'],
      ['PGlite'],
    )
  }
})
