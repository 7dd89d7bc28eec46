// Checks a server that runs, as a client sees it.
import { randomBytes } from 'node:crypto'
import { type ClientConfig, ClientConfigSchema } from '../../client-config.ts'
import { type Environment, readConfig } from '../../config.ts'
import { reasonOf } from '../../errors.ts'
import { MLFLOW_VERSION } from '../../platform/http/health.ts'
import type { Run } from '../../tracking/runs/schema.ts'
import { addressOf, askServer } from '../client.ts'
import { asUsage } from '../errors.ts'
import { duration } from '../humane.ts'
import { failure, ok, type Tell, warning } from './finding.ts'

export interface RunningServer {
  trackingUri: string
  env: Environment
  /** Whether a run is made, read and deleted. */
  write: boolean
}

const ANSWER_MS = 10_000
/** Clocks that differ by more mix up the times of runs and their order, in milliseconds; `Date` tells seconds. */
const CLOCK_MS = 3_000
const API = 'api/2.0/mlflow'

/** Looks at health, version, database, API and clock. @throws UsageError for what is no URL */
export async function checkRunningServer(
  { trackingUri, env, write }: RunningServer,
  tell: Tell,
): Promise<void> {
  const config = asUsage(() => readConfig(ClientConfigSchema, { trackingUri }, env))
  if (!(await checkHealth(config, tell))) return
  await checkVersion(config, tell)
  await checkReadiness(config, tell)
  const experiment = await checkSearch(config, tell)
  if (write && experiment !== undefined) await checkWriting(config, experiment, tell)
}

const get = (config: ClientConfig, path: string): Promise<Response> => {
  const { url, headers } = addressOf(config, path)
  return fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_MS) })
}

async function checkHealth(config: ClientConfig, tell: Tell): Promise<boolean> {
  const subject = 'Server'
  const start = performance.now()
  try {
    const response = await get(config, 'health')
    const text = (await response.text()).trim()
    const tookMs = performance.now() - start
    if (response.status === 200 && text === 'OK') {
      tell(
        ok(subject, `${config.trackingUri} answers in ${duration(tookMs)}`),
        ...clockFinding(response, tookMs),
      )
      return true
    }
    const advice =
      'Is the path right (--static-prefix of the server)? A proxy may want MLFLOW_TRACKING_TOKEN.'
    tell(failure(subject, `${config.trackingUri}/health is answered with status ${response.status}.`, advice))
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error
    const text = `${config.trackingUri} cannot be reached: ${reasonOf(cause)}`
    tell(failure(subject, text, 'Is it running, and is this its host and port?'))
  }
  return false
}

function clockFinding(response: Response, tookMs: number) {
  const date = Date.parse(response.headers.get('date') ?? '')
  if (Number.isNaN(date)) return []
  // The header tells the second that has begun, and may have been on its way for all of the time, or for none.
  const ahead = date + 500 - (Date.now() - tookMs / 2)
  const subject = 'Clock'
  if (Math.abs(ahead) < CLOCK_MS + tookMs / 2) return [ok(subject, 'the same as here')]
  const text = `that of the server is ${duration(Math.abs(ahead))} ${ahead < 0 ? 'behind' : 'ahead'}.`
  return [warning(subject, text, 'Let both machines keep time by NTP.')]
}

async function checkVersion(config: ClientConfig, tell: Tell): Promise<void> {
  const subject = 'Version'
  try {
    const version = (await (await get(config, 'version')).text()).trim()
    if (version === MLFLOW_VERSION) return tell(ok(subject, `speaks MLflow ${version}`))
    if (/^\d+\.\d+\.\d+\w*$/.test(version))
      return tell(warning(subject, `speaks MLflow ${version}, this program ${MLFLOW_VERSION}.`))
    tell(failure(subject, 'this is no tracking server of MLflow: /version answers none.'))
  } catch (error) {
    tell(failure(subject, reasonOf(error)))
  }
}

/** `/ready` is this server's own; stock has none. */
async function checkReadiness(config: ClientConfig, tell: Tell): Promise<void> {
  const subject = 'Database'
  try {
    const response = await get(config, 'ready')
    const { status, message } = (await response.json()) as { status?: string; message?: string }
    if (status === 'ready') return tell(ok(subject, 'answers the server'))
    if (response.status === 503)
      return tell(
        failure(subject, message ?? 'does not answer the server', 'The log of the server tells more.'),
      )
  } catch {
    // No JSON: not our server.
  }
  tell(warning(subject, 'the server does not tell: it is no Crateflow.'))
}

/** @returns the experiment that a run can be made in */
async function checkSearch(config: ClientConfig, tell: Tell): Promise<string | undefined> {
  const subject = 'API'
  const start = performance.now()
  try {
    const { experiments = [] } = await askServer<{ experiments?: { experiment_id: string }[] }>(config, {
      method: 'POST',
      path: `${API}/experiments/search`,
      body: { max_results: 1, order_by: ['creation_time ASC'] },
    })
    tell(ok(subject, `experiments are searched in ${duration(performance.now() - start)}`))
    return experiments[0]?.experiment_id
  } catch (error) {
    tell(failure(subject, reasonOf(error)))
    return undefined
  }
}

/** Makes a run with a metric and a tag, reads it back, and deletes it. */
async function checkWriting(config: ClientConfig, experiment_id: string, tell: Tell): Promise<void> {
  const subject = 'Writing'
  const post = <Answer>(path: string, body: unknown) =>
    askServer<Answer>(config, { method: 'POST', path: `${API}/runs/${path}`, body })
  const now = Date.now()
  const mark = randomBytes(6).toString('hex')
  let step = 'made'
  try {
    const { run } = await post<{ run: Run }>('create', {
      experiment_id,
      run_name: `crateflow-doctor-${mark}`,
      start_time: now,
    })
    const { run_id } = run.info
    try {
      step = 'written to'
      await post('log-batch', {
        run_id,
        metrics: [{ key: 'doctor', value: 1, timestamp: now, step: 0 }],
        tags: [{ key: 'crateflow.doctor', value: mark }],
      })
      await post('update', { run_id, status: 'FINISHED', end_time: Date.now() })
      step = 'read back'
      const found = await askServer<{ run: Run }>(config, { path: `${API}/runs/get?run_id=${run_id}` })
      const { metrics = [], tags = [] } = found.run.data
      const isWhole = metrics.some(({ key, value }) => key === 'doctor' && value === 1)
      if (!isWhole || !tags.some(({ value }) => value === mark)) throw new Error('it lacks what was written.')
      step = 'deleted'
    } finally {
      await post('delete', { run_id })
    }
    const took = duration(Date.now() - now)
    tell(ok(subject, `a run was made in experiment ${experiment_id}, read and deleted in ${took}`))
  } catch (error) {
    tell(failure(subject, `a run could not be ${step}: ${reasonOf(error)}`))
  }
}
