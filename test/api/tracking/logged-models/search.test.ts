// The search over logged models.
import { beforeAll, describe, expect, it } from 'vitest'
import { describeEachEngine } from '../../../support/engines.ts'
import { useModelApp } from './model-app.ts'

const train = { dataset_name: 'train', dataset_digest: 't1' }
const test = { dataset_name: 'test', dataset_digest: 't2' }

describeEachEngine('searching logged models', (target) => {
  const models = useModelApp(target)
  const names = async (body: object) => {
    const found = await models.search(body)
    return found.models.map(({ info }) => info.name)
  }

  beforeAll(async () => {
    const note = 'x'.repeat(50_000)
    const a = await models.createModel({
      name: 'a',
      params: [{ key: 'lr', value: '0.1' }],
      tags: [{ key: 'a b', value: '50%_x' }],
    })
    const b = await models.createModel({
      name: 'b',
      params: [
        { key: 'lr', value: '0.2' },
        { key: 'note', value: note },
      ],
    })
    await models.createModel({ name: 'c' })
    const log = (id: string, body: object) =>
      models.ok('POST', 'runs/log-metric', {
        run_id: models.runId,
        model_id: id,
        key: 'acc',
        timestamp: 5,
        step: 0,
        ...body,
      })
    await log(a.info.model_id, { value: 9, timestamp: 4 })
    await log(a.info.model_id, { value: 1 })
    await log(b.info.model_id, { value: 2 })
    await log(a.info.model_id, { key: 'loss', value: 0.5, ...train })
    await log(a.info.model_id, { key: 'loss', value: 0.9, timestamp: 6, ...test })
    await log(b.info.model_id, { key: 'loss', value: 0.7, ...train })
    const body = { model_id: b.info.model_id, status: 2 }
    await models.ok('PATCH', `logged-models/${b.info.model_id}`, body)
  })

  describe('ok', () => {
    it.each([
      ['', ['c', 'b', 'a']],
      ["name != 'a'", ['c', 'b']],
      ["name IN ('a', 'c')", ['c', 'a']],
      ["status = 'READY'", ['b']],
      ["status = '1'", ['c', 'a']],
      ["status LIKE '2'", ['b']],
      ["params.lr LIKE '0.%'", ['b', 'a']],
      ["params.note LIKE 'xxx%'", ['b']],
      ["tags.`a b` = '50%_x'", ['a']],
      ['metrics.acc > 8', ['a']],
      ["metrics.acc <= 2 AND params.lr = '0.2'", ['b']],
      ['metrics.none > 0', []],
    ])('filters by %s', async (filter, expected) => {
      expect(await names({ filter })).toEqual(expected)
    })

    it.each([
      [{ datasets: [train] }, ['b', 'a']],
      [{ datasets: [test] }, ['a']],
      [{ datasets: [{ dataset_name: 'test' }] }, ['a']],
      [{ datasets: [{ ...train, dataset_digest: 'no' }] }, []],
      [{ filter: 'metrics.loss > 0.6', datasets: [train] }, ['b']],
      [{ filter: 'metrics.loss > 0.6', datasets: [train, test] }, ['b', 'a']],
      [{ filter: 'metrics.acc > 0', datasets: [train] }, []],
    ])('looks at points on datasets only: %o', async (body, expected) => {
      expect(await names(body)).toEqual(expected)
    })

    it.each([
      [[{ field_name: 'name', ascending: false }], ['c', 'b', 'a']],
      [[{ field_name: 'creation_timestamp' }], ['a', 'b', 'c']],
      [
        [{ field_name: 'status' }, { field_name: 'name' }],
        ['a', 'c', 'b'],
      ],
      [[{ field_name: 'metrics.acc' }], ['a', 'b', 'c']],
      [[{ field_name: 'metrics.acc', ascending: false }], ['b', 'a', 'c']],
      [[{ field_name: 'metrics.loss' }], ['b', 'a', 'c']],
      [[{ field_name: 'metrics.loss', ...train }], ['a', 'b', 'c']],
      [[{ field_name: 'metrics.loss', dataset_name: 'test' }], ['a', 'c', 'b']],
    ])('sorts by %o, models without the metric last', async (order_by, expected) => {
      expect(await names({ order_by })).toEqual(expected)
    })

    it('walks through pages, each model once', async () => {
      const order_by = [{ field_name: 'metrics.acc' }]
      const seen: string[] = []
      let page_token: string | undefined
      do {
        const page = await models.search({ max_results: 1, order_by, page_token })
        seen.push(...page.models.map(({ info }) => info.name))
        page_token = page.next_page_token
      } while (page_token)
      expect(seen).toEqual(['a', 'b', 'c'])
    })

    it('finds what was just acknowledged', async () => {
      const experimentId = await models.createExperiment()
      for (const name of ['first', 'second']) {
        const { info } = await models.createModel({ experiment_id: experimentId, name })
        await models.ok('PATCH', `logged-models/${info.model_id}/tags`, { tags: [{ key: 'k', value: name }] })
        const filter = `tags.k = '${name}'`
        expect(await names({ experiment_ids: [experimentId], filter })).toEqual([name])
      }
    })

    it('searches several experiments, and none', async () => {
      const other = await models.createExperiment()
      await models.createModel({ experiment_id: other, name: 'other' })
      const both = { experiment_ids: [models.experimentId, other], order_by: [{ field_name: 'name' }] }
      expect(await names(both)).toEqual(['a', 'b', 'c', 'other'])
      expect(await names({ experiment_ids: [] })).toEqual([])
    })
  })

  describe('errors', () => {
    const token = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')

    it.each([
      [{ experiment_ids: ['abc'] }, /^Invalid experiment ID 'abc'/],
      [{ filter: "name = 'a' OR name = 'b'" }, /^Invalid filter string/],
      [{ filter: "metrics.acc LIKE 'x'" }, /^Invalid comparison operator for metrics\.acc: 'LIKE'/],
      [
        { datasets: [{ dataset_digest: 'd' }] },
        /^`dataset_name` in the `datasets` clause must be specified\.$/,
      ],
      [
        { order_by: [{ field_name: 'params.lr' }] },
        /^Invalid order by field name: params\.lr\. Only metrics/,
      ],
      [{ max_results: -1 }, /^Invalid value -1 for parameter 'max_results'/],
      [{ page_token: 'aGVsbG8=' }, /^Invalid page token: aGVsbG8=/],
      [{ page_token: token({ experiment_ids: ['7'] }) }, /^Experiment IDs in the page token do not match/],
    ])('refuses %o', async (body, text) => {
      const whole = { experiment_ids: [models.experimentId], ...body }
      expect(await models.error('POST', 'logged-models/search', whole)).toEqual({
        status: 400,
        code: 'INVALID_PARAMETER_VALUE',
        text: expect.stringMatching(text),
      })
    })

    it('refuses a page token of a search with another filter or order', async () => {
      const { next_page_token: page_token } = await models.search({ max_results: 1, filter: "name != 'z'" })
      const go = (body: object) =>
        models.error('POST', 'logged-models/search', {
          experiment_ids: [models.experimentId],
          page_token,
          ...body,
        })
      expect((await go({})).text).toBe(
        "Filter string in the page token does not match the requested filter string. Expected: None. Found: name != 'z'",
      )
      const order_by = [{ field_name: 'name' }]
      expect((await go({ filter: "name != 'z'", order_by })).text).toBe(
        "Order by in the page token does not match the requested order by. Expected: [{'field_name': 'name', 'ascending': True, 'dataset_name': None, 'dataset_digest': None}]. Found: None",
      )
    })

    it('names an unknown sort key under the class of its own', async () => {
      const answer = await models.app.request('POST', '/api/2.0/mlflow/logged-models/search', {
        experiment_ids: [models.experimentId],
        order_by: [{ field_name: 'bogus' }],
      })
      expect(answer.body).toEqual({
        error_code: 'INVALID_PARAMETER_VALUE',
        message: 'Invalid order by field name: bogus',
        sqlstate: 'KAM04',
        error_class: 'ATTRIBUTE_NOT_FOUND',
      })
    })
  })
})
