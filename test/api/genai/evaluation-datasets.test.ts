// Evaluation datasets beyond what stock MLflow can be compared in: many records, large ones, pages under change.
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { EvaluationDataset } from '../../../src/genai/evaluation-datasets/schema.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { describeEachEngine } from '../../support/engines.ts'

const DATASETS = '/api/3.0/mlflow/datasets'

interface Page {
  records: string
  next_page_token?: string
}

describeEachEngine('records of evaluation datasets', (target) => {
  let app: TestApp

  beforeAll(async () => {
    app = await startApp(target)
  })
  afterAll(() => app?.close())

  const create = async () => {
    const { body } = await app.request('POST', `${DATASETS}/create`, { name: 'records' })
    return (body as { dataset: EvaluationDataset }).dataset.dataset_id
  }
  const upsert = (id: string, records: object[]) =>
    app.request('POST', `${DATASETS}/${id}/records`, { records: JSON.stringify(records) })
  const page = async (id: string, query: string) =>
    (await app.request('GET', `${DATASETS}/${id}/records?${query}`)).body as Page
  const read = async (id: string, maxResults: number) => {
    const pages: { inputs: { n: number } }[][] = []
    let token = ''
    do {
      const { records, next_page_token } = await page(id, `max_results=${maxResults}&page_token=${token}`)
      pages.push(JSON.parse(records))
      token = encodeURIComponent(next_page_token ?? '')
    } while (token)
    return pages
  }

  it('takes 10,000 records in one request and answers each once, page by page', async () => {
    const id = await create()
    const records = Array.from({ length: 10_000 }, (_, n) => ({
      inputs: { n, question: `What is ${n}?` },
      expectations: { answer: `It is ${n}` },
    }))
    expect((await upsert(id, records)).body).toEqual({ inserted_count: 10_000, updated_count: 0 })
    const pages = await read(id, 3000)
    expect(pages.map(({ length }) => length)).toEqual([3000, 3000, 3000, 1000])
    const numbers = pages.flat().map(({ inputs }) => inputs.n)
    expect(numbers.sort((a, b) => a - b)).toEqual(records.map(({ inputs }) => inputs.n))
    expect((await upsert(id, records.slice(0, 2000))).body).toEqual({
      inserted_count: 0,
      updated_count: 2000,
    })
  }, 600_000)

  it('ends a page of large records early, and goes on with the next one', async () => {
    const id = await create()
    const text = 'x'.repeat(1024 * 1024)
    for (let n = 0; n < 4; n++) {
      const records = Array.from({ length: 10 }, (_, i) => ({ inputs: { n: 10 * n + i, text } }))
      expect((await upsert(id, records)).status).toBe(200)
    }
    const pages = await read(id, 1000)
    expect(pages.length).toBeGreaterThan(1)
    const numbers = pages.flat().map(({ inputs }) => inputs.n)
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n))
  }, 600_000)

  it('skips and repeats nothing where records come and go between pages', async () => {
    const id = await create()
    for (let n = 0; n < 6; n++) await upsert(id, [{ inputs: { n } }])
    const first = await page(id, 'max_results=2')
    const [record] = JSON.parse(first.records)
    await app.request('DELETE', `${DATASETS}/${id}/records`, {
      dataset_record_ids: [record.dataset_record_id],
    })
    await upsert(id, [{ inputs: { n: 6 } }])
    const token = encodeURIComponent(first.next_page_token ?? '')
    const { records } = await page(id, `page_token=${token}`)
    const numbers = JSON.parse(records).map(({ inputs }: { inputs: { n: number } }) => inputs.n)
    expect(numbers).toHaveLength(5)
    expect(numbers).toContain(6)
  })

  it('refuses records that are nested too deep', async () => {
    const id = await create()
    const deep = `[{"inputs": {"a": ${'['.repeat(600)}${']'.repeat(600)}}}]`
    const answer = await app.request('POST', `${DATASETS}/${id}/records`, { records: deep })
    expect(answer.status).toBe(400)
  })
})
