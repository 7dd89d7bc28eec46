import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { startMinio } from '../support/minio.ts'
import { SMALL } from '../support/server.ts'
import { missing, useService } from '../support/services.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { beginServer, emptyFolder, runProgram, runServer } from './program.ts'

describeEachEngine('a server process', (engine) => {
  it('prints where it is, is ready, and keeps what it was told over a restart', async () => {
    const args = ['--backend-store-uri', engine.uri]
    const first = await runServer(args, { env: SMALL })
    expect(first.output.stdout).toBe(
      `Crateflow listens on ${first.url}\nConsole: ${first.url}/crateflow\nexport MLFLOW_TRACKING_URI=${first.url}\n`,
    )
    expect(first.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect((await first.request('GET', '/health')).body).toBe('OK')
    expect((await fetch(`${first.url}/crateflow`)).status).toBe(200)
    expect((await first.request('GET', '/ready')).body).toEqual({ status: 'ready' })
    const created = await first.request('POST', '/api/2.0/mlflow/experiments/create', { name: 'kept' })
    first.signal('SIGTERM')
    expect((await first.ended).code).toBe(0)

    const second = await runServer([...args, '--no-migrate'], { env: SMALL })
    const found = await second.request('GET', '/api/2.0/mlflow/experiments/get-by-name?experiment_name=kept')
    expect(found.body).toMatchObject({ experiment: created.body })
    second.signal('SIGINT')
    expect((await second.ended).code).toBe(0)
  })

  it('ends with --no-migrate while migrations are pending', async () => {
    const uri = await engine.another({ isNew: true })
    const { code, stderr } = await runProgram(
      ['server', '--port', '0', '--no-migrate', '--backend-store-uri', uri],
      {
        env: SMALL,
      },
    )
    expect(stderr).toMatch(
      /^crateflow: The database lacks migrations: 1 tracking.*Run node \S+main\.[jt]s db migrate\.$/m,
    )
    expect(code).toBe(1)
  })
})

describe('a program whose files are replaced', () => {
  it('goes on with all that it answers', async () => {
    const { main } = await useService('build')
    const root = join(dirname(main), '..')
    const home = await mkdtemp(join(root, '.cache/program-'))
    await cp(dirname(main), join(home, 'dist'), { recursive: true })
    for (const name of ['migrations', 'package.json', 'data', 'openapi'])
      await symlink(join(root, name), join(home, name))
    const server = await runServer(['--log-level', 'debug'], { main: join(home, 'dist', basename(main)) })
    await expect.poll(() => JSON.stringify(server.output)).toContain('GraphQL is loaded')
    await rm(home, { recursive: true })
    const asked = { query: '{ __typename }', operationName: null, variables: {} }
    expect(await server.request('POST', '/graphql', asked)).toMatchObject({ status: 200, body: { data: {} } })
    server.signal('SIGTERM')
    expect((await server.ended).code).toBe(0)
  })
})

describeEachEngine(
  'a database that is not up yet',
  (engine) => {
    it('is waited for', async () => {
      const url = new URL(engine.uri.replace(/^\w+:/, 'http:'))
      const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port || 5432) })
      await proxy.cut()
      url.host = `127.0.0.1:${proxy.port}`
      const uri = url.href.replace(/^http:/, engine.uri.slice(0, engine.uri.indexOf(':') + 1))
      const waiting = await beginServer(['--backend-store-uri', uri], { env: SMALL })
      await expect
        .poll(() => waiting.output.stderr, { timeout: 60_000 })
        .toContain('Waiting for the database')
      await proxy.mend()
      await expect
        .poll(() => waiting.output.stdout, { timeout: 90_000 })
        .toContain('export MLFLOW_TRACKING_URI=')
      waiting.signal('SIGTERM')
      expect((await waiting.ended).code).toBe(0)
      await proxy.close()
    })

    it('ends the program when it does not come in time', async () => {
      const proxy = await startTcpProxy({ host: '127.0.0.1', port: 1 })
      await proxy.cut()
      const uri = `cratedb://u:hunter2@127.0.0.1:${proxy.port}/`
      const { code, stderr } = await runProgram([
        'server',
        '--port',
        '0',
        '--db-wait',
        '1',
        '--backend-store-uri',
        uri,
      ])
      expect(stderr).toContain(
        `crateflow: The database cratedb://u@127.0.0.1:${proxy.port}/?schema=mlflow does not answer`,
      )
      expect(stderr).not.toContain('hunter2')
      expect(code).toBe(1)
    })
  },
  ['CrateDB', 'PostgreSQL'],
)

describeEachEngine(
  'a database that refuses the user',
  (engine) => {
    it('ends the program at once, without the password', async () => {
      const uri = engine.uri.replace(/:\/\/([^@/]*@)?/, '://nobody:hunter2@')
      const { code, stderr } = await runProgram(['server', '--port', '0', '--backend-store-uri', uri])
      expect(stderr).toMatch(/^crateflow: The database refuses the user nobody: /m)
      expect(stderr).not.toContain('hunter2')
      expect(stderr).not.toContain('Waiting')
      expect(stderr).not.toMatch(/^\s+at /m)
      expect(code).toBe(2)
    })
  },
  ['CrateDB', 'PostgreSQL'],
)

describeEachEngine(
  'a database that is not the one that the URI names',
  (engine) => {
    it('is told from it before anything is made in it', async () => {
      const observer = await engine.open()
      const [named, meant] = engine.name === 'CrateDB' ? ['postgresql', 'cratedb'] : ['cratedb', 'postgresql']
      const uri = engine.uri.replace(/^\w+:/, `${named}:`).replace(/schema=\w+/, 'schema=elsewhere')
      const { code, stderr } = await runProgram(['server', '--port', '0', '--backend-store-uri', uri])
      expect(stderr).toMatch(
        new RegExp(`^crateflow: The database is \\w+ [\\d.]+: write ${meant}:// instead of ${named}://`, 'm'),
      )
      expect(code).toBe(2)
      const { rows } = await observer.execute(
        sql`SELECT table_name FROM information_schema.tables WHERE table_schema = 'elsewhere'`,
      )
      expect(rows).toEqual([])
    })
  },
  ['CrateDB', 'PostgreSQL'],
)

it('says so when a database speaks no TLS that the URI asks for', async () => {
  const { uri } = await useService('postgres')
  const args = ['server', '--port', '0', '--backend-store-uri', `${uri}?sslmode=require`]
  const { code, stderr } = await runProgram(args)
  expect(stderr).toContain(
    'crateflow: The database speaks no TLS, which sslmode=require in the backend store URI',
  )
  expect(code).toBe(2)
})

describeEachEngine(
  'a database that is not there',
  (engine) => {
    it('is named, with the statement that makes it', async () => {
      const uri = engine.uri.replace(/\/\w*\?/, '/nowhere?')
      const { code, stderr } = await runProgram(['server', '--port', '0', '--backend-store-uri', uri])
      expect(stderr).toContain('There is no database nowhere: make it by CREATE DATABASE "nowhere", or name')
      expect(code).toBe(2)
    })
  },
  ['PostgreSQL'],
)

describeEachEngine(
  'a user without rights to the schema',
  (engine) => {
    it('is told the statement that gives them', async () => {
      const administrator = await engine.open()
      const run = (text: string) => administrator.execute(sql.raw(text))
      const user = `poor_${Date.now()}`
      await run(
        engine.name === 'CrateDB'
          ? `CREATE USER ${user} WITH (password = 'hunter2')`
          : `CREATE ROLE ${user} LOGIN PASSWORD 'hunter2'`,
      )
      const uri = engine.uri
        .replace(/:\/\/([^@/]*@)?/, `://${user}:hunter2@`)
        .replace(/schema=\w+/, `schema=of_${user}`)
      const args = ['--db-wait', '1', '--backend-store-uri', uri]
      const { code, stderr } = await runProgram(['server', '--port', '0', ...args])
      expect(stderr).toContain(`The user ${user} lacks rights to the schema of_${user}: `)
      expect(stderr).not.toContain('hunter2')
      expect(code).toBe(2)
      expect((await runProgram(['db', 'migrate', ...args])).stderr).toContain('Let an administrator run: ')
      const [, statement = ''] = /Let an administrator run: (.*)$/m.exec(stderr) ?? []
      await run(statement)
      try {
        expect(await runProgram(['db', 'migrate', ...args])).toMatchObject({ code: 0 })
      } finally {
        await runProgram(['db', 'drop', '--yes', ...args])
        if (engine.name === 'PostgreSQL') await run(`DROP OWNED BY ${user}`)
        await run(`DROP USER ${user}`)
      }
    })
  },
  ['CrateDB', 'PostgreSQL'],
)

describe('a server process', () => {
  it('puts its data below the working folder when nothing is given', async () => {
    const cwd = await emptyFolder()
    const server = await runServer([], { cwd })
    expect(
      (await server.request('GET', '/api/2.0/mlflow/experiments/get?experiment_id=0')).body,
    ).toMatchObject({
      experiment: { artifact_location: 'mlflow-artifacts:/0' },
    })
    await server.request('PUT', '/api/2.0/mlflow-artifacts/artifacts/0/note.txt', { raw: 'hello' })
    server.signal('SIGTERM')
    await server.ended
    expect(await readFile(join(cwd, 'crateflow-data/artifacts/0/note.txt'), 'utf8')).toBe('hello')
  })

  it('refuses a store that another server has open', async () => {
    const cwd = await emptyFolder()
    const { pid } = await runServer([], { cwd })
    const { code, stderr } = await runProgram(['server', '--port', '0'], { cwd })
    expect(stderr).toBe(
      `crateflow: The store ./crateflow-data/store is in use by process ${pid} on ${hostname()}. End that one, or name another folder: --backend-store-uri pglite:<folder>.\n`,
    )
    expect(code).toBe(1)
  })

  const container =
    spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0 ? it : it.skip

  container('notices a server in another container, which has processes of its own', async () => {
    const cwd = await emptyFolder()
    await runServer([], { cwd })
    const { main } = await useService('build')
    const other = [process.execPath, main, 'server', '--port', '0']
    const { status, stderr } = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', ...other], {
      cwd,
      encoding: 'utf8',
    })
    expect(stderr).toContain('The store ./crateflow-data/store is in use by process ')
    expect(status).toBe(1)
  })

  it('takes over the store of a server that was killed', async () => {
    const cwd = await emptyFolder()
    const first = await runServer([], { cwd })
    first.signal('SIGKILL')
    await first.ended
    const second = await runServer([], { cwd })
    expect((await second.request('GET', '/ready')).status).toBe(200)
  })

  it('says so when its port is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : 0
    const { code, stderr } = await runProgram(['server', '--artifacts-only', '--port', String(port)])
    expect(stderr).toContain(`crateflow: Port ${port} of 127.0.0.1 is in use. Choose another with --port.`)
    expect(code).toBe(1)
    other.close()
  })

  it('tries its settings before it makes a store', async () => {
    const cwd = await emptyFolder()
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : 0
    await writeFile(join(cwd, 'file'), '')
    const refusals: [args: string[], text: RegExp, code: number][] = [
      [['--port', String(port)], /Port \d+ of 127\.0\.0\.1 is in use\. Choose another with --port\./, 1],
      [
        ['--host', '203.0.113.1'],
        /This machine has no address 203\.0\.113\.1\. Choose another with --host/,
        1,
      ],
      [['--host', 'no-such-host.invalid'], /This machine has no address no-such-host\.invalid\./, 1],
      [
        ['--artifacts-destination', 'gs://bucket'],
        /gs:\/\/bucket cannot be used: .* scheme 'gs'.*--artifacts-destination/,
        2,
      ],
      [
        ['--artifacts-destination', './file/x'],
        /cannot be used: .* is a file, not a folder\. Name another/,
        2,
      ],
      // Node.js would try to make it for ever.
      [
        ['--artifacts-destination', '/proc/nowhere'],
        /\/proc\/nowhere cannot be used: this user cannot write into \/proc /,
        2,
      ],
      [
        ['--backend-store-uri', 'sqlite:///mlflow.db'],
        /does not keep its data in sqlite\..*pglite:.*crateflow import mlflow/,
        2,
      ],
      [['--backend-store-uri', './mlruns'], /does not keep its data in a folder of files\..*pglite:/, 2],
      [
        ['--backend-store-uri', 'postgresql://u@h/db?sslmod=require'],
        /there is no parameter sslmod; there are schema, sslmode, sslrootcert\./,
        2,
      ],
      [
        ['--backend-store-uri', 'postgresql+psycopg2://u@h/db'],
        /write postgresql:\/\/ without the driver/,
        2,
      ],
      [
        ['--backend-store-uri', 'http://127.0.0.1:5000'],
        /http:\/\/ is how clients reach a server \(MLFLOW_TRACKING_URI\)/,
        2,
      ],
      [
        ['--backend-store-uri', 'cratedb://crate@127.0.0.1:4200/'],
        /port 4200 is CrateDB's HTTP port.*5432/,
        2,
      ],
    ]
    for (const [args, text, code] of refusals) {
      const began = Date.now()
      const ended = await runProgram(['server', '--no-ui', '--port', '0', ...args], { cwd })
      expect(ended.stderr).toMatch(text)
      expect(ended.code, ended.stderr).toBe(code)
      // How long a name server takes that knows no such host is not ours to say.
      if (!args.includes('no-such-host.invalid')) expect(Date.now() - began).toBeLessThan(20_000)
    }
    expect(await readdir(cwd)).toEqual(['file'])
    other.close()
  })

  it.skipIf(missing('minio')).each([
    ['a bucket that is not there', {}, /cannot be used: .*bucket does not exist/],
    ['credentials that are not known', { AWS_ACCESS_KEY_ID: 'nobody' }, /cannot be used: /],
  ])('refuses %s before it makes a store', async (_what, other, text) => {
    const cwd = await emptyFolder()
    const { env } = await startMinio()
    const args = [
      'server',
      '--no-ui',
      '--port',
      '0',
      '--artifacts-destination',
      's3://absent-bucket/artifacts',
    ]
    const { code, stderr } = await runProgram(args, { cwd, env: { ...env, ...other } })
    expect(stderr).toMatch(text)
    expect(stderr).toContain('Name another one with --artifacts-destination.')
    expect(stderr).not.toContain(env.AWS_SECRET_ACCESS_KEY)
    expect(code).toBe(2)
    expect(await readdir(cwd)).toEqual([])
  })

  it.each([[['-h']], [['server', '-h']], [['server', '-h', '--port', '0']]])(
    'takes %j for help',
    async (args) => {
      const { code, stdout } = await runProgram(args)
      expect(stdout).toContain('Usage: crateflow')
      expect(code).toBe(0)
    },
  )

  it.each([
    ['below a file', './file/store', /EEXIST|ENOTDIR/],
    ['that is a file', './file', /EEXIST|ENOTDIR/],
    ['that holds something else', '.', /is not empty \(file\), and no store: name a folder of its own/],
    // Only there on Linux; elsewhere root's folder does not take it either.
    ['where nothing can be made', '/proc/no/store', /ENOENT|EACCES|EROFS|EPERM/],
  ])('says so when its folder cannot be used: %s', async (_what, folder, text) => {
    const cwd = await emptyFolder()
    await writeFile(join(cwd, 'file'), '')
    const { code, stderr } = await runProgram(
      ['server', '--port', '0', '--backend-store-uri', `pglite:${folder}`],
      { cwd },
    )
    expect(stderr).toMatch(/^crateflow: .*\n$/m)
    expect(stderr).toMatch(text)
    expect(stderr).not.toMatch(/^\s+at /m)
    expect(code).toBe(1)
    expect(await readdir(cwd)).toEqual(['file'])
  })

  it('serves everything below a static prefix, and artifact files beside it', async () => {
    const server = await runServer(['--static-prefix', '/mlflow'], { cwd: await emptyFolder() })
    expect(server.url).toMatch(/\/mlflow$/)
    const root = server.url.replace(/\/mlflow$/, '')
    const status = async (url: string, init: RequestInit = {}) => (await fetch(url, init)).status
    expect(await status(`${server.url}/health`)).toBe(200)
    expect(await status(`${server.url}/docs`)).toBe(200)
    expect(await status(`${server.url}/api/2.0/mlflow/experiments/get?experiment_id=0`)).toBe(200)
    expect(await status(`${root}/health`)).toBe(404)
    expect(await status(`${root}/api/2.0/mlflow/experiments/get?experiment_id=0`)).toBe(404)
    expect(await status(`${root}/mlflowx/health`)).toBe(404)
    const file = '/api/2.0/mlflow-artifacts/artifacts/a.txt'
    expect(await status(root + file, { method: 'PUT', body: 'x' })).toBe(200)
    expect(await status(server.url + file)).toBe(200)
  })

  it('warns of a store that is in memory alone', async () => {
    const server = await runServer(['--backend-store-uri', 'pglite:'])
    expect(server.output.stderr).toContain(
      'The store is in memory and ends with the server. To keep it, name a folder',
    )
    server.signal('SIGTERM')
    await server.ended
  })

  it('opens no database with --artifacts-only', async () => {
    const cwd = await emptyFolder()
    const server = await runServer(['--artifacts-only'], { cwd })
    expect(await readdir(cwd)).toEqual([])
    await mkdir(join(cwd, 'crateflow-data/artifacts'), { recursive: true })
    expect((await server.request('GET', '/ready')).status).toBe(200)
    expect(
      await server.request('PUT', '/api/2.0/mlflow-artifacts/artifacts/a.txt', { raw: 'x' }),
    ).toMatchObject({ status: 200 })
    const refused = await server.request('GET', '/api/2.0/mlflow/experiments/get?experiment_id=0')
    expect(refused.status).toBe(503)
    expect(refused.body).toBe(
      'Endpoint: /api/2.0/mlflow/experiments/get disabled due to the mlflow server running in `--artifacts-only` mode. To enable tracking server functionality, run `mlflow server` without `--artifacts-only`',
    )
  })

  it('names and ignores flags of mlflow server that tune what it does not have', async () => {
    const flags = [
      '--gunicorn-opts',
      '--timeout 60',
      '--dev',
      '--secrets-cache-ttl',
      '30',
      '--disable-workspaces',
    ]
    const server = await runServer(['--artifacts-only', ...flags])
    for (const flag of ['--gunicorn-opts', '--dev', '--secrets-cache-ttl']) {
      expect(server.output.stderr).toContain(`${flag} is ignored`)
    }
  })

  it('logs a line of JSON per request at debug, without query and headers', async () => {
    const server = await runServer(['--artifacts-only', '--log-level', 'debug'])
    const headers = { authorization: 'Bearer hunter2', 'x-request-id': 'of-the-client' }
    await fetch(`${server.url}/api/2.0/mlflow-artifacts/artifacts?path=hunter2`, { headers })
    await expect.poll(() => server.output.stderr).toContain('of-the-client')
    const line = server.output.stderr.split('\n').find((text) => text.includes('of-the-client')) ?? ''
    expect(JSON.parse(line)).toMatchObject({
      level: 'debug',
      reqId: 'of-the-client',
      method: 'GET',
      route: '/api/2.0/mlflow-artifacts/artifacts',
      status: 200,
    })
    expect(server.output.stderr).not.toContain('hunter2')
  })

  it('logs refused requests with code and path, and how many there were, whatever the level of detail', async () => {
    const server = await runServer(['--artifacts-only', '--log-format', 'pretty'])
    const headers = { 'x-request-id': 'of-the-client' }
    for (let i = 0; i < 20; i++) await fetch(`${server.url}/api/2.0/mlflow-artifacts/artifacts`)
    await fetch(`${server.url}/api/2.0/mlflow-artifacts/artifacts/none.txt`)
    await fetch(`${server.url}/no/such%0Apath?secret=hunter2`, { headers })
    server.signal('SIGTERM')
    const { stderr } = await server.ended
    const lines = stderr.split('\n').filter((line) => / (request|requests) \w+=/.test(line))
    expect(lines).toEqual([
      expect.stringMatching(
        /INFO {2}request method=GET route=\/api\/2\.0\/mlflow-artifacts\/artifacts\/\* status=404 code=RESOURCE_DOES_NOT_EXIST ms=[\d.]+ id=\S+$/,
      ),
      expect.stringMatching(
        /INFO {2}request method=GET route=\/no\/such%0Apath status=404 code=ENDPOINT_NOT_FOUND ms=[\d.]+ id=of-the-client$/,
      ),
      expect.stringMatching(/INFO {2}requests requests=22 perSecond=[\d.]+ slowestMs=\d+$/),
    ])
    expect(stderr).not.toContain('hunter2')
  })
})
