// Finds and starts one PostgreSQL for a test run.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort, startChild, unprivilegedUser } from './child.ts'
import { alreadyRunning, type Candidate, type Found, firstOf, type Started } from './service.ts'

export interface Postgres {
  /** `postgresql://user@host:port/database`, without a schema. */
  uri: string
}

/** POSTGRES_URL, else the newest PostgreSQL below /usr/lib/postgresql. */
export const findPostgres = (): Promise<Found<Postgres>> => firstOf(fromEnvironment, fromFolder)

async function fromEnvironment(): Promise<Candidate<Postgres> | string> {
  const uri = process.env.POSTGRES_URL
  return uri ? alreadyRunning('POSTGRES_URL', { uri }) : 'no POSTGRES_URL'
}

async function fromFolder(): Promise<Candidate<Postgres> | string> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => [])
  const folders = versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => `/usr/lib/postgresql/${version}/bin`)
  const bin = folders.find((folder) => existsSync(join(folder, 'initdb')))
  return bin ? { how: bin, start: () => startServer(bin) } : 'no initdb below /usr/lib/postgresql'
}

async function startServer(bin: string): Promise<Started<Postgres>> {
  const folder = await mkdtemp(join(tmpdir(), 'crateflow-postgres-'))
  const data = join(folder, 'data')
  await mkdir(data)
  const user = await unprivilegedUser(['postgres'], [folder, data])
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C']
  await promisify(execFile)(join(bin, 'initdb'), initdb, { ...user, cwd: folder })
  const port = await freePort()
  const child = await startChild({
    command: [
      join(bin, 'postgres'),
      ...['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder],
      ...['-c', 'fsync=off', '-c', 'max_connections=200'],
    ],
    logFile: join(folder, 'postgres.log'),
    cwd: folder,
    user,
    ready: () => accepts(port),
  })
  const stop = async () => {
    await child.kill()
    await rm(folder, { recursive: true, force: true })
  }
  return { value: { uri: `postgresql://postgres@127.0.0.1:${port}/postgres` }, stop }
}

/** It listens before it lets anyone in. */
async function accepts(port: number): Promise<boolean> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  client.on('error', () => {})
  await client.connect()
  await client.end()
  return true
}
