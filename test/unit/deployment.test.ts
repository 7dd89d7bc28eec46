// Checks that the server can be installed: lock file, Dockerfile and docker-compose.yml against what they name.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { DCLinter } from 'dclint'
import { DockerfileParser } from 'dockerfile-ast'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ArtifactConfigSchema, readConfig, ServerConfigSchema } from '../../src/config.ts'
import { parseBackendUri } from '../../src/platform/database/uri.ts'
import { settingOf } from '../../src/settings.ts'
import { TracingConfigSchema } from '../../src/tracing-config.ts'
import { WebhookConfigSchema } from '../../src/webhook-config.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

interface Service {
  image: string
  build?: string
  command?: string[]
  environment: Record<string, string>
  ports?: { target: number; published: string; host_ip: string }[]
  volumes?: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
  restart: string
  mem_limit: string
  stop_grace_period?: string
}

const composeText = read('docker-compose.yml')
/** As it is without any setting: `${NAME:-default}` is the default. */
const compose = parse(composeText.replace(/\$\{\w+:-([^}]*)\}/g, (_match, value) => value || "''")) as {
  services: Record<string, Service>
  volumes: Record<string, unknown>
}
const services = Object.entries(compose.services)
const service = (name: string) => {
  const found = compose.services[name]
  if (!found) throw new Error(`No service ${name}`)
  return found
}

const dockerfile = DockerfileParser.parse(read('Dockerfile'))
const instructions = dockerfile.getInstructions().map((instruction) => ({
  keyword: instruction.getKeyword(),
  text: instruction.getArgumentsContent() ?? '',
}))
const lastStage = instructions.slice(instructions.findLastIndex(({ keyword }) => keyword === 'FROM'))
const textOf = (keyword: string) =>
  lastStage.find((instruction) => instruction.keyword === keyword)?.text ?? ''
const imageEnvironment = Object.fromEntries(
  dockerfile
    .getENVs()
    .flatMap((instruction) => instruction.getProperties())
    .map((property) => [property.getName(), property.getValue() ?? '']),
)

const shapes = {
  ...ServerConfigSchema.shape,
  ...ArtifactConfigSchema.shape,
  ...WebhookConfigSchema.shape,
  ...TracingConfigSchema.shape,
}
/** Read by Node.js and by the AWS SDK. */
const READ_BY_OTHERS = ['NODE_ENV', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']
const known = [...Object.values(shapes).map((type) => settingOf(type).env), ...READ_BY_OTHERS]

const bytes = (text: string) =>
  Number.parseInt(text, 10) * { m: 2 ** 20, g: 2 ** 30 }[text.slice(-1) as 'm' | 'g']

describe('docker-compose.yml', () => {
  it('is a Compose file by the specification', () => {
    const rules = { 'no-build-and-image': [2, { checkPullPolicy: true }] as [2, object] }
    const off = [
      ...['services-alphabetical-order', 'service-keys-order', 'top-level-properties-order'],
      ...['service-ports-alphabetical-order', 'service-dependencies-alphabetical-order'],
    ]
    const linter = new DCLinter({
      rules: { ...rules, ...Object.fromEntries(off.map((rule) => [rule, 0 as const])) },
      quiet: true,
      debug: false,
      exclude: [],
    })
    const [result] = linter.lintFiles([join(ROOT, 'docker-compose.yml')], false)
    expect(result?.messages).toEqual([])
  })

  it('takes every setting from the block at its head', () => {
    const places = [...composeText.matchAll(/(?<!\$)\$\{?\w+/g)].map(({ index }) => index)
    expect(places.length).toBeGreaterThan(5)
    expect(Math.max(...places)).toBeLessThan(composeText.indexOf('\nservices:'))
  })

  it.each(services.filter(([, { build }]) => !build))(
    'pins the image of %s to one release',
    (_name, { image }) => {
      expect(image).toMatch(/:(\d+\.\d+\.\d+|RELEASE\.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)$/)
    },
  )

  it('publishes ports on the loopback interface only', () => {
    const addresses = services.flatMap(([, { ports = [] }]) => ports.map((port) => port.host_ip))
    expect([...new Set(addresses)]).toEqual(['127.0.0.1'])
  })

  it('keeps the data of CrateDB and MinIO in named volumes', () => {
    for (const name of ['cratedb', 'minio']) {
      const [volume, folder] = service(name).volumes?.[0]?.split(':') ?? []
      expect(Object.keys(compose.volumes)).toContain(volume)
      expect(folder).toBe('/data')
    }
  })

  it('limits the memory of every service and leaves CrateDB half of it beside the heap', () => {
    for (const [, { mem_limit }] of services) expect(bytes(mem_limit)).toBeGreaterThan(0)
    const { environment, mem_limit } = service('cratedb')
    expect(bytes(environment.CRATE_HEAP_SIZE ?? '') * 2).toBeLessThanOrEqual(bytes(mem_limit))
  })

  it('waits for health of what runs and for the end of what is a job', () => {
    const edges = services.flatMap(([from, { depends_on = {} }]) =>
      Object.entries(depends_on).map(([to, { condition }]) => ({ from, to, condition })),
    )
    expect(edges.map(({ from, to }) => `${from} ${to}`)).toEqual([
      'bucket minio',
      'server cratedb',
      'server bucket',
    ])
    for (const { to, condition } of edges) {
      const isJob = service(to).restart.startsWith('on-failure')
      expect(condition).toBe(isJob ? 'service_completed_successfully' : 'service_healthy')
      expect(isJob || service(to).healthcheck !== undefined).toBe(true)
    }
  })

  it('configures the server with variables that it reads', () => {
    const { environment } = service('server')
    expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([])
    expect(() => readConfig(ServerConfigSchema, {}, environment)).not.toThrow()
  })

  it('points the server to the database, the object store and the bucket of its other services', () => {
    const { environment } = service('server')
    const server = readConfig(ServerConfigSchema, {}, environment)
    const artifacts = readConfig(ArtifactConfigSchema, {}, environment)
    expect(parseBackendUri(server.backendStoreUri)).toMatchObject({
      engine: 'cratedb',
      hosts: [{ host: 'cratedb', port: 5432 }],
    })
    expect(artifacts.mlflowS3Endpoint).toBe('http://minio:9000')
    const bucket = new URL(server.artifactsDestination).hostname
    expect(service('bucket').command?.join('')).toContain(`mc mb --ignore-existing store/${bucket}\n`)
    expect(environment.AWS_ACCESS_KEY_ID).toBe(service('minio').environment.MINIO_ROOT_USER)
    expect(environment.AWS_SECRET_ACCESS_KEY).toBe(service('minio').environment.MINIO_ROOT_PASSWORD)
    expect(service('bucket').environment).toEqual(service('minio').environment)
  })

  it('gives running requests the time to end that the server gives them', () => {
    const { shutdownTimeoutSeconds } = readConfig(ServerConfigSchema, {}, {})
    expect(Number.parseInt(service('server').stop_grace_period ?? '', 10)).toBeGreaterThan(
      shutdownTimeoutSeconds,
    )
  })
})

describe('Dockerfile', () => {
  it('builds and runs on one Node.js release line that the package supports', () => {
    const images = instructions
      .filter(({ keyword }) => keyword === 'FROM')
      .map(({ text }) => text.split(' ')[0])
    expect(new Set(images).size).toBe(1)
    const major = Number(/^node:(\d+)[.\d]*-[a-z]+-slim$/.exec(images[0] ?? '')?.[1])
    const oldest = Number(JSON.parse(read('package.json')).engines.node.replace('>=', ''))
    expect(major).toBeGreaterThanOrEqual(oldest)
  })

  it('copies only files that exist and that .dockerignore lets through', () => {
    const ignore = read('.dockerignore')
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
    expect(ignore[0]).toBe('*')
    const allowed = ignore.slice(1).map((line) => line.replace(/^!/, ''))
    const sources = dockerfile
      .getCOPYs()
      .filter((copy) => copy.getFromFlag() === null)
      .flatMap((copy) => copy.getArguments().slice(0, -1))
      .map((argument) => argument.getValue().replace(/^\.\//, ''))
    expect(sources).toContain('migrations')
    expect(sources.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    expect([...new Set(sources)].sort()).toEqual([...allowed].sort())
  })

  it('takes the compiled program, its packages and the migrations into the image, no sources', () => {
    const copied = lastStage.filter(({ keyword }) => keyword === 'COPY').map(({ text }) => text)
    expect(copied.join(' ')).not.toMatch(/\bsrc\b|\btest\b|\.\/? \.\/?$/)
    for (const needed of [
      '/app/dist ./dist',
      '/app/node_modules ./node_modules',
      '/app/ui ./ui',
      'migrations ./migrations',
    ]) {
      expect(copied.some((text) => text.endsWith(needed))).toBe(true)
    }
  })

  it('runs as a user without rights, to whom only the data folder belongs', () => {
    const users = lastStage.map(({ keyword }) => keyword)
    expect(textOf('USER')).toBe('node')
    expect(users.lastIndexOf('USER')).toBeGreaterThan(users.lastIndexOf('RUN'))
    expect(textOf('VOLUME')).toBe('/data')
    expect(textOf('RUN')).toBe('install --directory --owner=node --group=node /data')
  })

  it('starts the program of the package on all interfaces and its default port', () => {
    const { bin } = JSON.parse(read('package.json'))
    expect(JSON.parse(textOf('ENTRYPOINT'))).toEqual(['node', bin.crateflow])
    expect(JSON.parse(textOf('CMD'))).toEqual(['server', '--host', '0.0.0.0'])
    const { port } = readConfig(ServerConfigSchema, {}, imageEnvironment)
    expect(Number(textOf('EXPOSE'))).toBe(port)
    expect(service('server').ports?.map(({ target }) => target)).toEqual([port])
  })

  it('sets only variables that are read, and keeps all data in the volume', () => {
    expect(Object.keys(imageEnvironment).filter((name) => !known.includes(name))).toEqual([])
    const config = readConfig(ServerConfigSchema, {}, imageEnvironment)
    expect(parseBackendUri(config.backendStoreUri)).toMatchObject({ folder: '/data/store' })
    expect(config.artifactsDestination).toBe('/data/artifacts')
  })

  it('takes the web UI along from where the build has installed it, and no Python', () => {
    const installed = instructions.filter(({ text }) => text.startsWith('node dist/main.js ui install'))
    expect(installed.map(({ text }) => text)).toEqual(['node dist/main.js ui install --ui-dir /app/ui'])
    expect(readConfig(ServerConfigSchema, {}, imageEnvironment).uiDir).toBe('/app/ui')
    expect(lastStage.map(({ text }) => text).join(' ')).not.toMatch(/python|pip/)
  })
})

describe('the health check of the image', () => {
  const [, ...command] = JSON.parse(textOf('HEALTHCHECK').replace(/^.*?CMD\s+/s, '')) as string[]
  let status = 200
  let server: Server
  let port = 0

  beforeAll(async () => {
    server = createServer((request, response) =>
      response.writeHead(request.url === '/health' ? status : 404).end(),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as { port: number }).port
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  const check = () =>
    new Promise((resolve) => {
      const env = { PATH: process.env.PATH, MLFLOW_PORT: String(port) }
      spawn(process.execPath, command, { env }).once('exit', resolve)
    })

  it('succeeds while the server answers and fails when it does not', async () => {
    expect(await check()).toBe(0)
    status = 500
    expect(await check()).toBe(1)
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    expect(await check()).toBe(1)
  })
})

describe('package-lock.json', () => {
  interface Locked {
    version?: string
    dependencies?: Record<string, string>
    optionalDependencies?: Record<string, string>
  }
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }

  /** Where Node.js looks for `name` from the package at `path`: there, then in every folder above. */
  function placesOf(path: string, name: string): string[] {
    const above = path.lastIndexOf('/node_modules/')
    const here = `${path && `${path}/`}node_modules/${name}`
    return path === '' ? [here] : [here, ...placesOf(path.slice(0, Math.max(above, 0)), name)]
  }

  it('holds what every package needs on every platform, else npm ci refuses it', () => {
    const absent = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => !placesOf(path, name).some((place) => packages[place]?.version))
        .map((name) => `${path} needs ${name}`),
    )
    expect(Object.keys(packages).length).toBeGreaterThan(100)
    expect(absent).toEqual([])
  })
})
