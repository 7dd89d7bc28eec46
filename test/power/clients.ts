// Clients that write to the recorded server and remember what was acknowledged, and when.
import { createHash } from 'node:crypto'
import { sendHttp } from '../support/http.ts'
import { spansExport } from '../support/otlp.ts'
import { positionIn } from './log.ts'
import type { Random } from './random.ts'

/**
 * A write: it brought a register to a number that only grows, for instance how many points a metric has. The moments
 * are positions in the log.
 */
export interface Sent {
  register: string
  number: number
  sentAt: number
  acknowledgedAt?: number
}

export const API = '/api/2.0/mlflow'

/** A text that tells its number and does not compress well. */
export function textOf(register: string, number: number): string {
  const seed = createHash('sha512').update(`${register} ${number}`).digest()
  const length = (seed.readUInt16LE(0) % 40) ** 2
  let text = `${number} `
  for (let part = 0; text.length < length; part++)
    text += createHash('sha512').update(seed).update(String(part)).digest('base64')
  return text
}

interface Run {
  name: string
  id: string
  experimentId: string
  numbers: Map<string, number>
}

export interface Client {
  /** Writes until `stop` is called or the server does not answer. */
  work(url: string): Promise<void>
  stop(): void
}

export function createClient(name: string, log: string, sent: Sent[], random: Random): Client {
  let url = ''
  let isStopped = false
  let run: Run | undefined
  let model: Run | undefined
  let made = 0
  const under = (limit: number) => Math.floor(random() * limit)

  /** @throws when the answer is no success */
  async function send(path: string, body: unknown, writes: [string, number][]): Promise<unknown> {
    const sentAt = positionIn(log)
    const mine = writes.map(([register, number]): Sent => ({ register, number, sentAt }))
    sent.push(...mine)
    const answer = await sendHttp(url, 'POST', path.startsWith('/') ? path : `${API}/${path}`, body)
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    const acknowledgedAt = positionIn(log)
    for (const write of mine) write.acknowledgedAt = acknowledgedAt
    return answer.body
  }

  const next = ({ numbers }: Run, register: string) => {
    const number = (numbers.get(register) ?? 0) + 1
    numbers.set(register, number)
    return number
  }

  async function createRun(): Promise<Run> {
    const experiment = `experiment ${name} ${++made}`
    const asked = { name: experiment }
    const { experiment_id } = (await send('experiments/create', asked, [[experiment, 1]])) as {
      experiment_id: string
    }
    const runName = `run-${name}-${made}`
    const body = { experiment_id, run_name: runName, start_time: made }
    const answer = await send('runs/create', body, [[`run ${runName}`, 1]])
    const { run_id } = (answer as { run: { info: { run_id: string } } }).run.info
    return { name: runName, id: run_id, experimentId: experiment_id, numbers: new Map() }
  }

  /** The next points of a metric, and the write that they are. */
  function pointsOf(of: Run, count: number) {
    const key = `metric-${under(4)}`
    const register = `points ${of.name} ${key}`
    const first = of.numbers.get(register) ?? 0
    of.numbers.set(register, first + count)
    const points = Array.from({ length: count }, (_, i) => first + i).map((step) => ({
      key,
      value: step / 2,
      timestamp: step,
      step,
    }))
    return { points, write: [register, first + count] as [string, number] }
  }

  async function logMetric(of: Run) {
    const { points, write } = pointsOf(of, 1)
    await send('runs/log-metric', { run_id: of.id, ...points[0] }, [write])
  }

  const newTag = (of: Run) => {
    const key = `tag-${under(5)}`
    const register = `tag ${of.name} ${key}`
    const number = next(of, register)
    return { tag: { key, value: textOf(register, number) }, write: [register, number] as [string, number] }
  }

  async function setTag(of: Run) {
    const { tag, write } = newTag(of)
    await send('runs/set-tag', { run_id: of.id, ...tag }, [write])
  }

  async function logBatch(of: Run) {
    const { points, write } = pointsOf(of, 1 + under(random() < 0.2 ? 900 : 30))
    const params = Array.from({ length: under(6) }, () => `param-${next(of, 'params')}`)
    const registers = params.map((key) => `param ${of.name} ${key}`)
    const tag = newTag(of)
    const body = {
      run_id: of.id,
      metrics: points,
      params: params.map((key, i) => ({ key, value: textOf(registers[i] as string, 1) })),
      tags: [tag.tag],
    }
    const ones = registers.map((register): [string, number] => [register, 1])
    await send('runs/log-batch', body, [write, tag.write, ...ones])
  }

  async function endRun(of: Run) {
    const number = next(of, 'end')
    const body = { run_id: of.id, status: 'FINISHED', end_time: number }
    await send('runs/update', body, [[`end ${of.name}`, number]])
    if (random() < 0.3) await send('runs/delete', { run_id: of.id }, [[`deleted ${of.name}`, 1]])
    run = undefined
  }

  async function registerVersion() {
    if (!model || random() < 0.3) {
      const modelName = `model-${name}-${++made}`
      await send('registered-models/create', { name: modelName }, [[`model ${modelName}`, 1]])
      model = { name: modelName, id: '', experimentId: '', numbers: new Map() }
    }
    const number = next(model, 'versions')
    const body = { name: model.name, source: `s3://bucket/${number}` }
    await send('model-versions/create', body, [[`versions ${model.name}`, number]])
  }

  /** The next spans of the run's only trace. */
  async function exportSpans(of: Run) {
    const register = `spans ${of.name}`
    const first = of.numbers.get(register) ?? 0
    const count = 1 + under(random() < 0.2 ? 100 : 5)
    of.numbers.set(register, first + count)
    const traceId = createHash('sha256').update(of.name).digest('hex').slice(0, 32)
    const spans = Array.from({ length: count }, (_, i) => first + i).map((number) => ({
      traceId,
      spanId: (number + 1).toString(16).padStart(16, '0'),
      name: `${of.name} ${number}`,
      startTimeUnixNano: `${1_700_000_000_000 + number}000000`,
      endTimeUnixNano: `${1_700_000_001_000 + number}000000`,
      attributes: [{ key: 'text', value: { stringValue: textOf(register, number) } }],
    }))
    const otlp = spansExport(spans)
    const headers = { 'x-mlflow-experiment-id': of.experimentId }
    await send('/v1/traces', { otlp, as: 'protobuf', headers }, [[register, first + count]])
  }

  const actions = [
    ...[logMetric, logMetric, logMetric, setTag, setTag, setTag, setTag, setTag],
    ...[logBatch, logBatch, logBatch, exportSpans, exportSpans, exportSpans, registerVersion, endRun],
  ]

  return {
    async work(serverUrl) {
      url = serverUrl
      isStopped = false
      while (!isStopped) {
        try {
          run ??= await createRun()
          await actions[under(actions.length)]?.(run)
        } catch (error) {
          // What an unanswered request did is unknown: nothing more is sent to the same registers.
          run = undefined
          model = undefined
          if (!(error instanceof TypeError)) throw error
          return
        }
      }
    },
    stop: () => {
      isStopped = true
    },
  }
}
