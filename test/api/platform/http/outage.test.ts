import { expect, it } from 'vitest'
import { describeEachEngine } from '../../../support/engines.ts'
import { runPython } from '../../../support/python.ts'
import { startServer } from '../../../support/server.ts'
import { missing } from '../../../support/services.ts'
import { startTcpProxy } from '../../../support/tcp-proxy.ts'

/** A server whose database is reached through a proxy. */
async function startBehindProxy(uri: string) {
  const scheme = uri.slice(0, uri.indexOf(':'))
  const url = new URL(uri.replace(/^\w+:/, 'http:'))
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port || 5432) })
  url.host = `127.0.0.1:${proxy.port}`
  const server = await startServer({
    backendStoreUri: url.href.replace('http', scheme),
    args: ['--log-level', 'debug'],
  })
  const close = async () => {
    await server.stop()
    await proxy.close()
  }
  return { server, proxy, close }
}

const RETRYING_CLIENT = `
import mlflow
from mlflow import MlflowClient
client = MlflowClient()
run = client.create_run("0")
print("created", flush=True)
for step in range(40):
    client.log_metric(run.info.run_id, "m", float(step), step=step)
print(len(client.get_metric_history(run.info.run_id, "m")))
`

describeEachEngine(
  'a database that goes away',
  (engine) => {
    it('makes answers 503 with Retry-After, and the server recovers by itself', async () => {
      const { server, proxy, close } = await startBehindProxy(engine.uri)
      const create = () =>
        server.request('POST', '/api/2.0/mlflow/experiments/create', { name: crypto.randomUUID() })
      expect((await create()).status).toBe(200)
      await proxy.cut()

      const answer = await fetch(`${server.url}/api/2.0/mlflow/experiments/get?experiment_id=0`)
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBe('1')
      expect(await answer.json()).toMatchObject({
        error_code: 'TEMPORARILY_UNAVAILABLE',
        message: 'The database is not available right now. Please retry.',
      })
      expect((await create()).status).toBe(503)
      expect(await server.request('GET', '/ready')).toMatchObject({
        status: 503,
        body: { status: 'unavailable' },
      })
      expect((await server.request('GET', '/health')).status).toBe(200)

      await proxy.mend()
      expect((await create()).status).toBe(200)
      expect(await server.request('GET', '/ready')).toMatchObject({ status: 200, body: { status: 'ready' } })
      await close()
    })

    it.skipIf(missing('python'))('is bridged by the retries of the stock client', async () => {
      const { server, proxy, close } = await startBehindProxy(engine.uri)
      const client = runPython(RETRYING_CLIENT, {
        MLFLOW_TRACKING_URI: server.url,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: '10',
        MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '1',
      })
      const logged = async () => /"route":"\/api\/2\.0\/mlflow\/runs\/log-metric"/.test(server.log())
      await expect.poll(logged, { timeout: 90_000, interval: 20 }).toBe(true)
      await proxy.cut()
      await expect.poll(() => server.log(), { timeout: 60_000 }).toContain('"status":503')
      await proxy.mend()
      const { exitCode, stdout, stderr } = await client
      expect(stderr).not.toContain('Traceback')
      expect(exitCode).toBe(0)
      expect(stdout.trim().split('\n').at(-1)).toBe('40')
      await close()
    })
  },
  ['CrateDB'],
  ['PostgreSQL'],
)
