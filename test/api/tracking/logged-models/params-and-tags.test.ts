// Params and tags of logged models.
import { describe, expect, it } from 'vitest'
import { describeEachEngine } from '../../../support/engines.ts'
import { useModelApp } from './model-app.ts'

describeEachEngine('params and tags of logged models', (target) => {
  const models = useModelApp(target)
  const newModel = async (body = {}) => (await models.createModel(body)).info.model_id
  const logParams = (id: string, params: object[]) => [`logged-models/${id}/params`, { params }] as const
  const setTags = (id: string, tags: object[]) => [`logged-models/${id}/tags`, { tags }] as const

  describe('ok', () => {
    it('keeps params of any length and number', async () => {
      const id = await newModel()
      const params = Array.from({ length: 250 }, (_, i) => ({ key: `p${i}`, value: 'v'.repeat(i * 200) }))
      await models.ok('POST', ...logParams(id, params))
      const stored = (await models.getModel(id)).data.params ?? []
      expect(new Map(stored.map(({ key, value }) => [key, value]))).toEqual(
        new Map(params.map(({ key, value }) => [key, value])),
      )
    })

    it('takes a param again with its value, so that a retry succeeds', async () => {
      const id = await newModel({ params: [{ key: 'a', value: '1' }] })
      const both = [
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
      ]
      await models.ok('POST', ...logParams(id, both))
      await models.ok('POST', ...logParams(id, both))
      expect((await models.getModel(id)).data.params).toEqual(both)
    })

    it('replaces tags, the last of a key winning, and deletes them', async () => {
      const id = await newModel({ tags: [{ key: 'a', value: '0' }] })
      const long = 'x'.repeat(100_000)
      const tags = [
        { key: 'a', value: '1' },
        { key: 'a', value: '2' },
        { key: 'long', value: long },
        { key: 'none' },
      ]
      await models.ok('PATCH', ...setTags(id, tags))
      await models.ok('DELETE', `logged-models/${id}/tags/none`)
      expect((await models.getModel(id)).info.tags).toEqual([
        { key: 'a', value: '2' },
        { key: 'long', value: long },
      ])
    })

    it('deletes tags whose keys need escapes', async () => {
      const id = await newModel()
      const keys = ["it's", 'a b', 'ü', 'x/y', '100%']
      await models.ok(
        'PATCH',
        ...setTags(
          id,
          keys.map((key) => ({ key, value: 'v' })),
        ),
      )
      for (const key of keys) await models.ok('DELETE', `logged-models/${id}/tags/${encodeURIComponent(key)}`)
      expect((await models.getModel(id)).info.tags).toBeUndefined()
    })

    it('lets one of many racing values of a param win, and tells all others', async () => {
      const id = await newModel()
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          models.app.request('POST', `/api/2.0/mlflow/logged-models/${id}/params`, {
            params: [{ key: 'raced', value: `${i}` }],
          }),
        ),
      )
      const winners = answers.flatMap(({ status }, i) => (status === 200 ? [`${i}`] : []))
      expect(winners).toHaveLength(1)
      expect((await models.getModel(id)).data.params).toEqual([{ key: 'raced', value: winners[0] }])
    })
  })

  describe('errors', () => {
    it('refuses another value of a param, and writes nothing of that request', async () => {
      const id = await newModel({ params: [{ key: 'p', value: '1' }] })
      const changed = [
        { key: 'new', value: '1' },
        { key: 'p', value: '2' },
      ]
      expect(await models.error('POST', ...logParams(id, changed))).toEqual({
        status: 400,
        code: 'BAD_REQUEST',
        text: `Changing param values is not allowed. Param with key='p' was already logged with value='1' for logged model ID='${id}'. Attempted logging new value '2'.`,
      })
      expect((await models.getModel(id)).data.params).toEqual([{ key: 'p', value: '1' }])
    })

    it('refuses keys that come twice or are too long', async () => {
      const id = await newModel()
      const twice = [
        { key: 'p', value: '1' },
        { key: 'p', value: '1' },
      ]
      expect(await models.error('POST', ...logParams(id, twice))).toMatchObject({ code: 'BAD_REQUEST' })
      const long = [{ key: 'k'.repeat(256), value: '1' }]
      expect(await models.error('POST', ...logParams(id, long))).toMatchObject({
        code: 'INVALID_PARAMETER_VALUE',
      })
      expect(await models.error('PATCH', ...setTags(id, long))).toMatchObject({
        code: 'INVALID_PARAMETER_VALUE',
      })
      expect(await models.getModel(id)).toMatchObject({ data: {} })
    })

    it('names the tag that is not there', async () => {
      const id = await newModel()
      expect(await models.error('DELETE', `logged-models/${id}/tags/no`)).toEqual({
        status: 404,
        code: 'RESOURCE_DOES_NOT_EXIST',
        text: `No tag with key 'no' found for model with ID '${id}'.`,
      })
    })
  })
})
