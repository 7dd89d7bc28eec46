// Renders the chart with helm, where this machine has it, and checks every object against the schemas of Kubernetes.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments, stringify } from 'yaml'
import { readConfig, ServerConfigSchema } from '../../src/config.ts'

const ROOT = join(import.meta.dirname, '../..')
const CHART = join(ROOT, 'deploy/helm/crateflow')
const MODELS = join(ROOT, '.cache/kubernetes-models')
/** Schemas as functions, from npm; the newest that take Node.js 20. */
const PACKAGES = ['kubernetes-models@4.5.1', '@kubernetes-models/prometheus-operator@5.0.1']
const URI = 'cratedb://crateflow:secret@db:5432/?schema=mlflow'

const folders = [
  ...(process.env.PATH ?? '').split(delimiter),
  join(process.env.GOPATH ?? join(homedir(), 'go'), 'bin'),
]
const helm = folders.map((folder) => join(folder, 'helm')).find((path) => existsSync(path))

interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels: Record<string, string> }
  data?: Record<string, string>
  stringData?: Record<string, string>
  spec: Record<string, unknown>
}
type Check = ((data: unknown) => boolean) & {
  errors: { instancePath: string; keyword: string; params: object }[] | null
}

const FULL = {
  replicas: 5,
  image: { repository: 'registry.example.com/crateflow', tag: '9.9.9', pullPolicy: 'Always' },
  imagePullSecrets: [{ name: 'registry' }],
  settings: {
    AWS_REGION: '',
    MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH: 1_000_000,
    MLFLOW_S3_IGNORE_TLS: false,
    OTEL_TRACES_SAMPLER_ARG: 0.01,
  },
  allowedHosts: ['models.example.com'],
  shutdownTimeout: 60,
  secret: { values: { MLFLOW_BACKEND_STORE_URI: URI, AWS_ACCESS_KEY_ID: 'key' } },
  service: { type: 'NodePort', port: 8080 },
  ingress: {
    enabled: true,
    className: 'nginx',
    annotations: { 'nginx.ingress.kubernetes.io/proxy-body-size': '0' },
    host: 'mlflow.example.com',
    tlsSecretName: 'tls',
  },
  metrics: { enabled: true, serviceMonitor: true },
  podDisruptionBudget: { enabled: true, maxUnavailable: 2 },
  resources: { limits: { memory: '2Gi' } },
  podAnnotations: { team: 'ml' },
  nodeSelector: { disk: 'ssd' },
  tolerations: [{ key: 'models', operator: 'Exists' }],
  affinity: { podAntiAffinity: {} },
}

function template(values: object, release = 'demo'): string {
  const folder = mkdtempSync(join(tmpdir(), 'crateflow-helm-'))
  const file = join(folder, 'values.yaml')
  writeFileSync(file, stringify(values))
  try {
    const args = ['template', release, CHART, '--namespace', 'ml', '--values', file]
    return execFileSync(helm ?? '', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function render(values: object, release?: string): Map<string, Manifest> {
  const documents = parseAllDocuments(template(values, release))
  expect(documents.flatMap(({ errors }) => errors)).toEqual([])
  return new Map(
    documents.map((document) => {
      const object = document.toJS() as Manifest
      return [object.kind, object]
    }),
  )
}

/** The function that checks objects of a kind. */
function checkOf({ apiVersion, kind }: Manifest): Check {
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion]
  const capital = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1)
  const file = group.startsWith('monitoring')
    ? `@kubernetes-models/prometheus-operator/_schemas/MonitoringCoreosCom${capital(version)}${kind}.js`
    : `kubernetes-models/_schemas/IoK8sApi${capital(group.split('.')[0] ?? '')}${capital(version)}${kind}.js`
  return (createRequire(import.meta.url)(join(MODELS, 'node_modules', file)) as { validate: Check }).validate
}

/** What the schema refuses, and what it does not know: fields that it never looks at. */
function problemsOf(object: Manifest): string[] {
  const unread = new Set<string>()
  const watch = (value: unknown, path: string): unknown => {
    if (typeof value !== 'object' || value === null) return value
    const watched = Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        unread.add(`${path}/${key}`)
        return [key, watch(item, `${path}/${key}`)]
      }),
    )
    const target = Array.isArray(value) ? Object.values(watched) : watched
    return new Proxy(target, {
      get(from, key, receiver) {
        unread.delete(`${path}/${String(key)}`)
        return Reflect.get(from, key, receiver)
      },
    })
  }
  const check = checkOf(object)
  const isValid = check(watch(object, ''))
  const refused = isValid
    ? []
    : (check.errors ?? []).map(
        (error) => `${error.instancePath} ${error.keyword} ${JSON.stringify(error.params)}`,
      )
  return [...refused, ...[...unread].map((path) => `${path} is unknown`)]
}

describe.skipIf(!helm)(
  `the chart${helm ? '' : ' (helm is missing: go install helm.sh/helm/v3/cmd/helm@latest)'}`,
  () => {
    beforeAll(() => {
      if (PACKAGES.every((name) => existsSync(join(MODELS, 'node_modules', name.replace(/@[^@]+$/, '')))))
        return
      const quietly = ['--no-audit', '--no-fund', '--no-save', '--prefer-offline', '--ignore-scripts']
      execFileSync('npm', ['install', '--prefix', MODELS, ...quietly, ...PACKAGES], { stdio: 'ignore' })
    }, 120_000)

    it('is well by helm lint', () => {
      execFileSync(helm ?? '', ['lint', '--strict', '--quiet', CHART, '--set', 'secret.existing=ours'])
    })

    it.each([
      ['its defaults and a store', { secret: { values: { MLFLOW_BACKEND_STORE_URI: URI } } }, 5],
      ['all values', FULL, 7],
      [
        'a secret of yours, without metrics and budget',
        {
          secret: { existing: 'ours' },
          metrics: { enabled: false },
          podDisruptionBudget: { enabled: false },
        },
        3,
      ],
    ])('makes objects that Kubernetes knows of %s', (_name, values, count) => {
      const objects = [...render(values).values()]
      expect(objects).toHaveLength(count)
      expect(objects.flatMap((object) => problemsOf(object).map((what) => `${object.kind} ${what}`))).toEqual(
        [],
      )
      for (const { metadata } of objects) expect(metadata.name).toBe('demo-crateflow')
    })

    it('knows the plain manifests, too', () => {
      const plain = join(ROOT, 'deploy/kubernetes')
      const files = readdirSync(plain).filter((name) => name !== 'kustomization.yaml')
      expect(files.length).toBeGreaterThan(3)
      for (const name of files) {
        const objects = parseAllDocuments(readFileSync(join(plain, name), 'utf8'))
        expect(
          objects.flatMap((object) => problemsOf(object.toJS() as Manifest)),
          name,
        ).toEqual([])
      }
    })

    it('finds what is wrong with an object', () => {
      const object = render(FULL).get('Deployment') as Manifest
      const wrong = { ...object, spec: { ...object.spec, replicas: 'many', replica: 1 } }
      expect(problemsOf(wrong).sort()).toEqual([
        '/spec/replica is unknown',
        '/spec/replicas type {"type":"integer"}',
      ])
    })

    it('puts every value to its place', () => {
      const objects = render(FULL)
      const { data = {} } = objects.get('ConfigMap') as Manifest
      expect(data).toMatchObject({
        MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH: '1000000',
        MLFLOW_S3_IGNORE_TLS: 'false',
        OTEL_TRACES_SAMPLER_ARG: '0.01',
        CRATEFLOW_SHUTDOWN_TIMEOUT: '60',
      })
      expect(Object.keys(data)).not.toContain('AWS_REGION')
      const secret = objects.get('Secret')?.stringData ?? {}
      expect(secret).toEqual({ MLFLOW_BACKEND_STORE_URI: URI, AWS_ACCESS_KEY_ID: 'key' })
      const config = readConfig(ServerConfigSchema, {}, { ...data, ...secret })
      expect(config.allowedHosts).toEqual(
        expect.arrayContaining(['demo-crateflow.ml', 'models.example.com', 'mlflow.example.com']),
      )
      expect(objects.get('Deployment')?.spec).toMatchObject({
        replicas: 5,
        template: {
          metadata: { annotations: { team: 'ml', 'prometheus.io/path': '/metrics' } },
          spec: {
            terminationGracePeriodSeconds: 75,
            imagePullSecrets: FULL.imagePullSecrets,
            nodeSelector: FULL.nodeSelector,
            tolerations: FULL.tolerations,
            affinity: FULL.affinity,
            containers: [
              {
                image: 'registry.example.com/crateflow:9.9.9',
                imagePullPolicy: 'Always',
                resources: FULL.resources,
                envFrom: [
                  { configMapRef: { name: 'demo-crateflow' } },
                  { secretRef: { name: 'demo-crateflow' } },
                ],
              },
            ],
          },
        },
      })
      expect(objects.get('Service')?.spec).toMatchObject({ type: 'NodePort', ports: [{ port: 8080 }] })
      expect(objects.get('Ingress')?.spec).toMatchObject({
        ingressClassName: 'nginx',
        tls: [{ hosts: ['mlflow.example.com'], secretName: 'tls' }],
      })
      expect(objects.get('PodDisruptionBudget')?.spec).toMatchObject({ maxUnavailable: 2 })
    })

    it('replaces servers when settings or secrets change, and not otherwise', () => {
      const annotations = (values: object) => {
        const { spec } = render(values).get('Deployment') as unknown as {
          spec: { template: { metadata: { annotations: Record<string, string> } } }
        }
        return spec.template.metadata.annotations
      }
      expect(annotations(FULL)).toEqual(annotations({ ...FULL, replicas: 6 }))
      expect(annotations(FULL)).not.toEqual(annotations({ ...FULL, allowedHosts: ['other.example.com'] }))
      const other = { values: { MLFLOW_BACKEND_STORE_URI: `${URI}&a=b` } }
      expect(annotations(FULL)).not.toEqual(annotations({ ...FULL, secret: other }))
    })

    it('is called as the release where that names it already', () => {
      expect(render(FULL, 'crateflow').get('Service')?.metadata.name).toBe('crateflow')
    })

    it('refuses a release without a store, and settings that have a value of their own', () => {
      expect(() => template({})).toThrow('MLFLOW_BACKEND_STORE_URI or secret.existing has to be given')
      const settings = { CRATEFLOW_SHUTDOWN_TIMEOUT: '10' }
      expect(() => template({ ...FULL, settings })).toThrow(
        'CRATEFLOW_SHUTDOWN_TIMEOUT is given by another value',
      )
    })
  },
)
