// Finds and starts one MariaDB for a test run.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, startChild, unprivilegedUser } from './child.ts'
import { alreadyRunning, type Candidate, type Found, firstOf, type Started } from './service.ts'

export interface Mysql {
  /** `mysql://user@host:port/`, without a database; the user may make some. */
  uri: string
}

/** MYSQL_URL, else a MariaDB on the path. */
export const findMysql = (): Promise<Found<Mysql>> => firstOf(fromEnvironment, fromPath)

async function fromEnvironment(): Promise<Candidate<Mysql> | string> {
  const uri = process.env.MYSQL_URL
  return uri ? alreadyRunning('MYSQL_URL', { uri }) : 'no MYSQL_URL'
}

/** Debian keeps servers where the path of users does not look. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin']
const onPath = (name: string) => FOLDERS.map((folder) => join(folder, name)).find((file) => existsSync(file))

async function fromPath(): Promise<Candidate<Mysql> | string> {
  const [server, install] = [onPath('mariadbd'), onPath('mariadb-install-db')]
  return server && install ? { how: server, start: () => startServer(server, install) } : 'no mariadbd'
}

async function startServer(server: string, install: string): Promise<Started<Mysql>> {
  const folder = await mkdtemp(join(tmpdir(), 'crateflow-mysql-'))
  const folders = { data: join(folder, 'data'), tmp: join(folder, 'tmp') }
  for (const path of Object.values(folders)) await mkdir(path)
  const user = await unprivilegedUser(['mysql'], [folder, ...Object.values(folders)])
  const port = await freePort()
  // The folder of the test run is not its user's.
  const options = ['--no-defaults', `--datadir=${folders.data}`, `--tmpdir=${folders.tmp}`]
  await promisify(execFile)(
    install,
    [...options, '--auth-root-authentication-method=normal', '--skip-test-db'],
    { ...user, cwd: folder },
  )
  const child = await startChild({
    command: [
      ...[
        server,
        ...options,
        '--bind-address=127.0.0.1',
        `--port=${port}`,
        `--socket=${join(folder, 'socket')}`,
      ],
      ...['--innodb-flush-log-at-trx-commit=0', '--skip-name-resolve', '--innodb-buffer-pool-size=64M'],
    ],
    logFile: join(folder, 'mysql.log'),
    cwd: folder,
    user,
    ready: () => accepts(port),
  })
  const stop = async () => {
    await child.kill()
    await rm(folder, { recursive: true, force: true })
  }
  return { value: { uri: `mysql://root@127.0.0.1:${port}/` }, stop }
}

/** It greets whoever connects once it lets them in. */
const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (isThere: boolean) => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('data', () => end(true)).once('error', () => end(false))
  })
