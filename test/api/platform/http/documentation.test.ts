import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeApi } from '../../../../src/cli/openapi.ts'
import { send, useShellApp } from './shell-app.ts'

interface Operation {
  summary: string
  tags: string[]
  responses: Record<string, unknown>
  parameters?: { name: string; required?: boolean }[]
}

interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, unknown> }
}

const COMMITTED = join(import.meta.dirname, '../../../../openapi/openapi.json')

describe('the description of the API', () => {
  it('is the committed one: npm run openapi writes it anew', async () => {
    expect(await describeApi()).toBe(await readFile(COMMITTED, 'utf8'))
  })

  it('defines every schema that it refers to', async () => {
    const text = await describeApi()
    const { components } = JSON.parse(text) as Document
    const used = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? '')
    expect(used.length).toBeGreaterThan(50)
    expect(used.filter((name) => !(name in components.schemas))).toEqual([])
  })

  it('gives every operation a summary, a tag, a success and the error of MLflow', async () => {
    const { openapi, paths } = JSON.parse(await describeApi()) as Document
    expect(openapi).toBe('3.1.0')
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path: `${method} ${path}`, ...operation })),
    )
    expect(operations.length).toBeGreaterThan(40)
    for (const { path, summary, tags, responses } of operations) {
      expect(summary, path).toBeTruthy()
      expect(tags, path).toHaveLength(1)
      expect(responses, path).toMatchObject({ 200: {}, default: {} })
      expect(JSON.stringify(responses.default), path).toContain('"#/components/schemas/Error"')
    }
  })

  it('asks for no list that a request may leave out', async () => {
    const { paths, components } = JSON.parse(await describeApi()) as Document
    const { parameters = [] } = paths['/api/2.0/mlflow/experiments/search']?.get ?? {}
    expect(parameters.map(({ name }) => name)).toContain('order_by')
    expect(parameters.filter(({ required }) => required)).toEqual([])
    const { CreateExperiment, LogBatch } = components.schemas
    expect(CreateExperiment).toMatchObject({ required: ['name'] })
    expect(LogBatch).not.toHaveProperty('required', expect.arrayContaining(['metrics']))
  })

  it('says which answers are no JSON, and which are empty', async () => {
    const { paths } = JSON.parse(await describeApi()) as Document
    const types = (path: string, method: string) => {
      const answer = paths[path]?.[method]?.responses[200] as { content?: object } | undefined
      return Object.keys(answer?.content ?? {})
    }
    expect(types('/health', 'get')).toEqual(['text/plain'])
    expect(types('/version', 'get')).toEqual(['text/html'])
    expect(types('/get-artifact', 'get')).toEqual(['application/octet-stream'])
    const upload = paths['/api/2.0/mlflow-artifacts/artifacts/{path}']?.put
    expect(upload?.responses[200]).toEqual({ description: 'Done' })
    expect(types('/api/2.0/mlflow-artifacts/artifacts/{path}', 'delete')).toEqual(['application/json'])
  })

  it('names what a path holds once, as a parameter', async () => {
    const { paths } = JSON.parse(await describeApi()) as {
      paths: Record<string, Record<string, { parameters?: { name: string; in: string }[] }>>
    }
    for (const [path, methods] of Object.entries(paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      for (const { parameters = [] } of Object.values(methods)) {
        const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
        expect(named.sort(), path).toEqual([...inPath].sort())
        const others = parameters.filter((parameter) => parameter.in !== 'path').map(({ name }) => name)
        expect(
          others.filter((name) => inPath.includes(name)),
          path,
        ).toEqual([])
      }
    }
  })
})

describe.each(['', '/prefix'])('the pages of the API below %j', (staticPrefix) => {
  const ours = useShellApp({ documentation: true, staticPrefix })

  it('load nothing from elsewhere', async () => {
    const page = await send(ours.url, 'GET', `${staticPrefix}/docs`)
    expect(page.status).toBe(200)
    const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '')
    expect(links.length).toBeGreaterThan(4)
    for (const link of links) {
      expect(link.startsWith(`${staticPrefix}/docs/static/`), link).toBe(true)
      const file = await send(ours.url, 'GET', link)
      expect(file.status, link).toBe(200)
      expect(Buffer.byteLength(file.body), link).toBeGreaterThan(100)
    }
    const script = links.find((link) => link.endsWith('swagger-initializer.js')) ?? ''
    expect((await send(ours.url, 'GET', script)).body).toContain(`"url":"${staticPrefix}/openapi.json"`)
    const document = JSON.parse((await send(ours.url, 'GET', `${staticPrefix}/openapi.json`)).body)
    expect(document.servers).toEqual([{ url: staticPrefix || '/' }])
  })
})
