// Checks the files below deploy/ against the program: settings, ports, paths, versions, what each names of the others.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { buildProgram } from '../../src/cli/program.ts'
import { ArtifactConfigSchema, readConfig, ServerConfigSchema } from '../../src/config.ts'
import { settingOf } from '../../src/settings.ts'
import { TracingConfigSchema } from '../../src/tracing-config.ts'
import { WebhookConfigSchema } from '../../src/webhook-config.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const { version, bin } = JSON.parse(read('package.json')) as { version: string; bin: { crateflow: string } }
const { paths } = JSON.parse(read('openapi/openapi.json')) as { paths: Record<string, unknown> }

const shapes = {
  ...ServerConfigSchema.shape,
  ...ArtifactConfigSchema.shape,
  ...WebhookConfigSchema.shape,
  ...TracingConfigSchema.shape,
}
/** Read by the AWS SDK, and where the web UI is kept. */
const READ_BY_OTHERS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'XDG_CACHE_HOME']
const known = [...Object.values(shapes).map((type) => settingOf(type).env), ...READ_BY_OTHERS]

const files = readdirSync(join(ROOT, 'deploy'), { recursive: true, encoding: 'utf8' })
  .filter((path) => !path.startsWith('root'))
  .map((path) => `deploy/${path}`)
const below = (folder: string, end: string) =>
  files.filter((path) => path.startsWith(`deploy/${folder}/`) && path.endsWith(end))

/** A port with a protocol's path, as probes ask for it. */
interface Probe {
  httpGet: { path: string; port: string }
  timeoutSeconds: number
  periodSeconds: number
  failureThreshold: number
}
interface Container {
  args: string[]
  image: string
  envFrom: { configMapRef?: { name: string }; secretRef?: { name: string } }[]
  ports: { name: string; containerPort: number }[]
  startupProbe: Probe
  livenessProbe: Probe
  readinessProbe: Probe
  securityContext: object
  lifecycle: { preStop: { exec: { command: string[] } } }
  volumeMounts: { name: string; mountPath: string }[]
}
interface Pod {
  containers: [Container]
  terminationGracePeriodSeconds: number
  securityContext: { runAsNonRoot: boolean }
  enableServiceLinks: boolean
  volumes: { name: string }[]
}
interface Manifest {
  kind: string
  metadata: { name: string }
  data?: Record<string, string>
  stringData?: Record<string, string>
  spec: {
    replicas: number
    selector: { matchLabels: Record<string, string> }
    template: { metadata: { labels: Record<string, string> }; spec: Pod }
    ports: { name: string; port: number; targetPort: string }[]
  }
}

/** The objects of a text of YAML. @throws Error for what is none */
function objectsOf(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0]
    return document.toJS() as Manifest
  })
}

/** Of a template of Helm what is left when its actions are taken out: lines of actions alone are gone, others read `x`. */
const withoutActions = (text: string) =>
  text.replace(/^\s*\{\{-?[^\n]*\}\}\s*$/gm, '').replace(/\{\{[^}]*\}\}/g, 'x')

const plain = new Map(
  below('kubernetes', '.yaml').flatMap((path) =>
    objectsOf(read(path)).map((object) => [object.kind, object] as const),
  ),
)
const manifest = (kind: string): Manifest => {
  const found = plain.get(kind)
  if (!found) throw new Error(`No ${kind}`)
  return found
}
const container = manifest('Deployment').spec.template.spec.containers[0]
const { shutdownTimeoutSeconds, port } = readConfig(ServerConfigSchema, {}, {})

const serverOptions = buildProgram({ value: 0 })
  .commands.find((command) => command.name() === 'server')
  ?.options.map(({ long }) => long)

/** The options among arguments, which `server` has to have. */
function expectOptions(args: readonly string[]): void {
  expect(args[0]).toBe('server')
  const options = args.filter((argument) => argument.startsWith('--'))
  expect(options.filter((option) => !serverOptions?.includes(option))).toEqual([])
}

describe('deploy/kubernetes', () => {
  it('lists every manifest in kustomization.yaml but the example of a secret', () => {
    const { resources } = parse(read('deploy/kubernetes/kustomization.yaml')) as { resources: string[] }
    const names = below('kubernetes', '.yaml').map((path) => path.slice('deploy/kubernetes/'.length))
    const left = names.filter(
      (name) => !['kustomization.yaml', 'secret.example.yaml', 'secret.yaml'].includes(name),
    )
    expect([...resources].sort()).toEqual(left.sort())
    expect(read('.gitignore')).toContain('deploy/kubernetes/secret.yaml\n')
  })

  it('sets variables that the server reads, to values that it takes', () => {
    const { data = {} } = manifest('ConfigMap')
    const { stringData = {} } = manifest('Secret')
    const environment = { ...data, ...stringData }
    expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([])
    const server = readConfig(ServerConfigSchema, {}, environment)
    expect(server.exposePrometheus).toBeDefined()
    expect(server.allowedHosts).toContain(manifest('Service').metadata.name)
    expect(Object.values(data).join(' ')).not.toMatch(/secret|password/i)
  })

  it('runs several servers with arguments of the program, whose settings it names', () => {
    expect(manifest('Deployment').spec.replicas).toBeGreaterThan(1)
    expectOptions(container.args)
    expect(container.image).toBe(`crateflow:${version}`)
    const named = container.envFrom.map(({ configMapRef, secretRef }) => (configMapRef ?? secretRef)?.name)
    expect(named).toEqual([manifest('ConfigMap').metadata.name, manifest('Secret').metadata.name])
  })

  it('asks probes at paths and a port that the server has, for longer than /ready takes', () => {
    const { startupProbe, livenessProbe, readinessProbe, ports } = container
    expect(ports.map(({ containerPort }) => containerPort)).toEqual([port])
    expect(container.args).toContain(String(port))
    expect([startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet.path)).toEqual([
      '/health',
      '/health',
      '/ready',
    ])
    for (const { httpGet, timeoutSeconds } of [startupProbe, livenessProbe, readinessProbe]) {
      expect(Object.keys(paths)).toContain(httpGet.path)
      expect(ports.map(({ name }) => name)).toContain(httpGet.port)
      expect(timeoutSeconds).toBeGreaterThan(3)
    }
    const { dbWaitSeconds } = readConfig(ServerConfigSchema, {}, manifest('ConfigMap').data ?? {})
    expect(startupProbe.periodSeconds * startupProbe.failureThreshold).toBeGreaterThan(2 * dbWaitSeconds)
  })

  it('gives running requests the time to end that the server gives them', () => {
    const { terminationGracePeriodSeconds } = manifest('Deployment').spec.template.spec
    const pause = Number(container.lifecycle.preStop.exec.command[1])
    expect(terminationGracePeriodSeconds).toBeGreaterThan(shutdownTimeoutSeconds + pause + 2)
  })

  it('leads the service and the budget of disruptions to the pods', () => {
    const { labels } = manifest('Deployment').spec.template.metadata
    expect(manifest('Service').spec.selector).toEqual(labels)
    expect(manifest('PodDisruptionBudget').spec.selector.matchLabels).toEqual(labels)
    expect(manifest('Service').spec.ports).toEqual([{ name: 'http', port, targetPort: 'http' }])
  })

  it('runs without rights, on volumes that it mounts', () => {
    const pod = manifest('Deployment').spec.template.spec
    expect(pod.securityContext.runAsNonRoot).toBe(true)
    expect(pod.enableServiceLinks).toBe(false)
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(container.volumeMounts.map(({ name }) => name)).toEqual(pod.volumes.map(({ name }) => name))
  })
})

describe('deploy/helm', () => {
  const values = parse(read('deploy/helm/crateflow/values.yaml')) as {
    settings: Record<string, string>
    secret: { values: Record<string, string> }
    shutdownTimeout: number
    service: { port: number }
  }
  const templates = below('helm/crateflow/templates', '').filter((path) => /\.(yaml|tpl|txt)$/.test(path))

  it('has the version of the package', () => {
    expect(parse(read('deploy/helm/crateflow/Chart.yaml'))).toMatchObject({ version, appVersion: version })
  })

  it('sets variables that the server reads', () => {
    const made = [...read('deploy/helm/crateflow/templates/configmap.yaml').matchAll(/^ {2}([A-Z_]+):/gm)]
    const names = [
      ...Object.keys(values.settings),
      ...Object.keys(values.secret.values),
      ...made.map(([, name]) => name ?? ''),
    ]
    expect(names.filter((name) => !known.includes(name))).toEqual([])
    expect(() => readConfig(ServerConfigSchema, {}, values.settings)).not.toThrow()
    expect(values.shutdownTimeout).toBe(shutdownTimeoutSeconds)
    expect(values.service.port).toBe(port)
  })

  it('takes values that values.yaml has, and all of them', () => {
    const used = new Set(
      templates.flatMap((path) =>
        [...read(path).matchAll(/\.Values((?:\.\w+)+)/g)].map(([, name]) => name ?? ''),
      ),
    )
    const valueAt = (name: string) =>
      name
        .slice(1)
        .split('.')
        .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], values)
    expect([...used].filter((name) => valueAt(name) === undefined)).toEqual([])
    const unused = Object.keys(values).filter(
      (key) => ![...used].some((name) => `${name}.`.startsWith(`.${key}.`)),
    )
    expect(unused).toEqual([])
  })

  it('includes only what its helpers define', () => {
    const texts = templates.map(read).join('\n')
    const defined = [...texts.matchAll(/define "([^"]+)"/g)].map(([, name]) => name)
    const included = [...texts.matchAll(/include "([^"]+)"/g)].map(([, name]) => name)
    expect([...new Set(included)].filter((name) => !defined.includes(name))).toEqual([])
  })

  it.each(templates.filter((path) => path.endsWith('.yaml')))(
    'has YAML around the actions of %s, each closed',
    (path) => {
      const text = read(path)
      const opened = text.match(/\{\{-? (if|range|with|define) /g) ?? []
      expect(text.match(/\{\{-? end \}\}/g) ?? []).toHaveLength(opened.length)
      const [object] = objectsOf(withoutActions(text))
      expect(object).toMatchObject({ kind: expect.any(String), metadata: { name: 'x' } })
    },
  )

  it('runs the server as the plain manifests do', () => {
    const [deployment] = objectsOf(withoutActions(read('deploy/helm/crateflow/templates/deployment.yaml')))
    const pod = deployment?.spec.template.spec
    const { args, ports, startupProbe, livenessProbe, readinessProbe, securityContext, lifecycle } = container
    expect(pod?.containers[0]).toMatchObject({
      ...{ args, ports, startupProbe, livenessProbe, readinessProbe, securityContext, lifecycle },
      volumeMounts: container.volumeMounts,
    })
    const { securityContext: rights, enableServiceLinks, volumes } = manifest('Deployment').spec.template.spec
    expect(pod).toMatchObject({ securityContext: rights, enableServiceLinks, volumes })
  })
})

describe('deploy/systemd', () => {
  const unit = read('deploy/systemd/crateflow.service')
  const valuesOf = (key: string) =>
    [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '')

  it('starts the server with variables that it reads, data where the unit may write', () => {
    expectOptions((valuesOf('ExecStart')[0] ?? '').split(' ').slice(1))
    const environment = Object.fromEntries(
      valuesOf('Environment').map((line) => [
        line.slice(0, line.indexOf('=')),
        line.slice(line.indexOf('=') + 1),
      ]),
    )
    const offered = [...read('deploy/systemd/crateflow.env').matchAll(/^#([A-Z_0-9]+)=/gm)].map(
      ([, name]) => name ?? '',
    )
    expect(offered.length).toBeGreaterThan(5)
    expect([...Object.keys(environment), ...offered].filter((name) => !known.includes(name))).toEqual([])
    const config = readConfig(ServerConfigSchema, {}, environment)
    const state = `/var/lib/${valuesOf('StateDirectory')[0]}`
    expect(config.backendStoreUri).toBe(`pglite:${state}/store`)
    expect(config.artifactsDestination).toBe(`${state}/artifacts`)
    expect(Number(valuesOf('TimeoutStopSec')[0])).toBeGreaterThan(shutdownTimeoutSeconds + 2)
  })
})

describe('deploy/nomad', () => {
  const job = read('deploy/nomad/crateflow.nomad.hcl')

  it('runs the server with options and variables that it has, on its port, and checks a path that it serves', () => {
    const [, args = ''] = /args\s+= \[([^\]]*)\]/.exec(job) ?? []
    expectOptions(args.split(',').map((argument) => argument.trim().replaceAll('"', '')))
    expect(args).toContain(`"${port}"`)
    expect(job).toMatch(new RegExp(`to = ${port}$`, 'm'))
    const names = [...job.matchAll(/^\s+([A-Z][A-Z_0-9]+)\s*=/gm)].map(([, name]) => name ?? '')
    expect(names.length).toBeGreaterThan(5)
    expect(names.filter((name) => !known.includes(name))).toEqual([])
    for (const [, path] of job.matchAll(/^\s+path\s+= "([^"]+)"/gm))
      expect(Object.keys(paths)).toContain(path)
    expect(job).toContain(`crateflow:${version}`)
    expect(Number(/kill_timeout = "(\d+)s"/.exec(job)?.[1])).toBeGreaterThan(shutdownTimeoutSeconds + 2)
  })

  it('names variables that it declares, and closes what it opens', () => {
    const declared = [...job.matchAll(/^variable "(\w+)"/gm)].map(([, name]) => name)
    const used = [...job.matchAll(/\bvar\.(\w+)/g)].map(([, name]) => name)
    expect([...new Set(used)].sort()).toEqual(declared.sort())
    expect(job.match(/\{/g)).toHaveLength(job.match(/\}/g)?.length ?? 0)
  })
})

describe('packages of systems', () => {
  it('take the version, files and program that there are', () => {
    const nfpm = parse(read('deploy/nfpm.yaml')) as {
      version: string
      contents: { src: string; dst: string }[]
      scripts: Record<string, string>
    }
    expect(Object.values(nfpm.scripts).filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    expect(nfpm.version).toBe(version)
    const ours = nfpm.contents.map(({ src }) => src).filter((src) => !/^(deploy\/root|\/)/.test(src))
    expect(ours.length).toBeGreaterThan(3)
    expect(ours.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    const command = nfpm.contents.find(({ dst }) => dst === '/usr/bin/crateflow')
    expect(command?.src).toBe(`/usr/lib/crateflow/node_modules/crateflow/${bin.crateflow}`)
    expect(read('deploy/systemd/crateflow.service')).toContain('ExecStart=/usr/bin/crateflow server\n')
  })

  it('are made of the version of the package by conda, too', () => {
    const text = read('deploy/conda/meta.yaml')
    expect(text).toContain(`{% set version = "${version}" %}`)
    const recipe = parse(text.replace(/^\{%.*%\}$/gm, '').replaceAll('{{ version }}', version)) as {
      package: { name: string; version: string }
      test: { commands: string[] }
      about: { license_file: string[] }
    }
    expect(recipe.package).toEqual({ name: 'crateflow', version })
    expect(recipe.about.license_file.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    expect(recipe.test.commands).toContain('crateflow --version')
  })
})

describe('the release', () => {
  it('is a workflow whose scripts the package has', () => {
    for (const name of readdirSync(join(ROOT, '.github/workflows'))) {
      const text = read(`.github/workflows/${name}`)
      expect(parse(text)).toMatchObject({ name: name.replace('.yml', ''), jobs: expect.any(Object) })
      const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
      for (const [, script = ''] of text.matchAll(/npm run ([\w:]+)/g))
        expect(Object.keys(scripts)).toContain(script)
    }
  })
})
