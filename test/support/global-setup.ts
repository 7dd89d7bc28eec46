// Finds the services of a test run and starts each of them when the first test file asks for it.
import { createServer } from 'node:http'
import type { TestProject } from 'vitest/node'
import { removeMemoryFolder } from './memory-folder.ts'
import { type Build, findBuild } from './services/build.ts'
import { type Chromium, findChromium } from './services/chromium.ts'
import { type CrateDb, findCrateDb } from './services/cratedb.ts'
import { findMinio, type Minio } from './services/minio.ts'
import { findMlflowCratedb, type MlflowCratedb } from './services/mlflow-cratedb.ts'
import { findMysql, type Mysql } from './services/mysql.ts'
import { findPgliteTemplate, type PgliteTemplate } from './services/pglite.ts'
import { findPostgres, type Postgres } from './services/postgres.ts'
import { findPython, type Python } from './services/python.ts'
import { findSchemathesis, type Schemathesis } from './services/schemathesis.ts'
import type { Found, Started } from './services/service.ts'
import { findStock, type Stock } from './services/stock.ts'
import { findUi, type Ui } from './services/ui.ts'

/** What `useService` answers by name. */
export interface Services {
  build: Build
  chromium: Chromium
  cratedb: CrateDb
  minio: Minio
  mlflowCratedb: MlflowCratedb
  mysql: Mysql
  pglite: PgliteTemplate
  postgres: Postgres
  python: Python
  schemathesis: Schemathesis
  stock: Stock
  ui: Ui
}

export type ServiceName = keyof Services

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where test files ask for a service: GET `<url>/<name>`. */
    servicesUrl: string
    /** Why a service cannot be had on this machine; empty when it can. */
    servicesMissing: Record<ServiceName, string>
  }
}

type FoundServices = { [Name in ServiceName]: Found<Services[Name]> }

async function findServices(): Promise<FoundServices> {
  const [chromium, cratedb, minio, mlflowCratedb, mysql, postgres, python, schemathesis, ui] =
    await Promise.all([
      findChromium(),
      findCrateDb(),
      findMinio(),
      findMlflowCratedb(),
      findMysql(),
      findPostgres(),
      findPython(),
      findSchemathesis(),
      findUi(),
    ])
  const [build, pglite, stock] = [findBuild(), findPgliteTemplate(), findStock(python)]
  return {
    build,
    chromium,
    cratedb,
    minio,
    mlflowCratedb,
    mysql,
    pglite,
    postgres,
    python,
    schemathesis,
    stock,
    ui,
  }
}

/** Vitest calls it before the first test file, and what it returns after the last. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const found = await findServices()
  const started = new Map<string, Promise<Started<unknown>>>()
  const start = (name: ServiceName) => {
    const running = started.get(name) ?? found[name].candidate?.start()
    if (!running) throw new Error(`${name} is not available: ${found[name].missing}`)
    started.set(name, running)
    return running
  }
  const { url, close } = await serve(async (name) => (await start(name as ServiceName)).value)
  const missing = Object.entries(found).map(([name, { missing }]) => [name, missing])
  project.provide('servicesUrl', url)
  project.provide('servicesMissing', Object.fromEntries(missing) as Record<ServiceName, string>)
  return async () => {
    close()
    const running = await Promise.allSettled(started.values())
    await Promise.all(running.map((one) => (one.status === 'fulfilled' ? one.value.stop() : undefined)))
    removeMemoryFolder()
  }
}

/** Test files run in processes of their own, so they ask over HTTP. */
async function serve(answer: (name: string) => Promise<unknown>) {
  const server = createServer((request, response) => {
    const name = (request.url ?? '/').slice(1)
    Promise.resolve(name)
      .then(answer)
      .then(
        (value) => response.end(JSON.stringify(value)),
        (error: Error) => response.writeHead(500).end(error.message),
      )
  })
  server.requestTimeout = 0
  // Closing an idle connection would race with the next question on it.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
