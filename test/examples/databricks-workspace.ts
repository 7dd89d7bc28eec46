// What a Databricks workspace answers to `mlflow run --backend databricks`: it takes the project and the job, and runs nothing.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Job {
  new_cluster: Record<string, unknown>
  libraries: unknown[]
  shell_command_task: { command: string[]; env_vars: Record<string, string> }
}

export interface Workspace {
  url: string
  /** Jobs that were submitted, the latest last. */
  jobs: Job[]
  /** Paths of files that were uploaded. */
  uploads: string[]
  close: () => void
}

/** Requests without the token are refused. */
export async function startWorkspace(token: string): Promise<Workspace> {
  const jobs: Job[] = []
  const uploads: string[] = []
  const answer = (method: string, path: string, body: string): object | undefined => {
    if (method === 'POST' && path.startsWith('/dbfs/')) {
      uploads.push(path)
      return {}
    }
    if (path.startsWith('/api/2.0/jobs/runs/get?'))
      return { run_page_url: 'https://workspace.invalid/jobs/7/runs/42', job_id: 7, state: {} }
    if (path !== '/api/2.0/jobs/runs/submit') return undefined
    jobs.push(JSON.parse(body) as Job)
    return { run_id: 42 }
  }
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const allowed = request.headers.authorization === `Bearer ${token}`
    const found = allowed && answer(request.method ?? '', request.url ?? '', body)
    response.writeHead(found ? 200 : allowed ? 404 : 401, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found || { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'not here' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    jobs,
    uploads,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
