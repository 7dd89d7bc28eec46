// Files of logged models.
import { beforeAll, describe, expect, it } from 'vitest'
import { describeEachEngine } from '../../../support/engines.ts'
import { useModelApp } from './model-app.ts'

const MISSING = `m-${'0'.repeat(32)}`

describeEachEngine(
  'files of logged models',
  (target) => {
    const models = useModelApp(target)
    let id = ''
    let gone = ''
    const filesPath = (modelId: string, path?: string) =>
      `/ajax-api/2.0/mlflow/logged-models/${modelId}/artifacts/files${path === undefined ? '' : `?artifact_file_path=${path}`}`

    beforeAll(async () => {
      id = (await models.createModel()).info.model_id
      gone = (await models.createModel()).info.model_id
      const root = `/api/2.0/mlflow-artifacts/artifacts/${models.experimentId}/models/${id}/artifacts`
      const text = { raw: 'flavors: {}', contentType: 'application/octet-stream' }
      expect(await models.app.request('PUT', `${root}/model/MLmodel`, text)).toMatchObject({ status: 200 })
      expect(await models.app.request('PUT', `${root}/notes.txt`, text)).toMatchObject({ status: 200 })
      await models.ok('DELETE', `logged-models/${gone}`)
    })

    describe('ok', () => {
      it('are listed with paths relative to the model', async () => {
        const root_uri = `mlflow-artifacts:/${models.experimentId}/models/${id}/artifacts`
        const list = (query = '') => models.ok('GET', `logged-models/${id}/artifacts/directories${query}`)
        expect(await list()).toEqual({
          root_uri,
          files: [
            { path: 'model', is_dir: true },
            { path: 'notes.txt', is_dir: false, file_size: 11 },
          ],
        })
        expect(await list('?artifact_directory_path=model')).toEqual({
          root_uri,
          files: [{ path: 'model/MLmodel', is_dir: false, file_size: 11 }],
        })
        expect(await list('?artifact_directory_path=none')).toEqual({ root_uri })
      })

      it('are downloaded under /ajax-api', async () => {
        expect(await models.app.request('GET', filesPath(id, 'model/MLmodel'))).toEqual({
          status: 200,
          contentType: 'text/plain',
          body: 'flavors: {}',
        })
      })
    })

    describe('errors', () => {
      it.each([
        [undefined, 400, 'BAD_REQUEST', 'Request must include the "artifact_file_path" query parameter.'],
        ['', 400, 'BAD_REQUEST', 'Request must include the "artifact_file_path" query parameter.'],
        ['../x', 400, 'INVALID_PARAMETER_VALUE', 'Invalid path'],
        ['%2e%2e%2fx', 400, 'INVALID_PARAMETER_VALUE', 'Invalid path'],
      ])('refuse the path %s', async (path, status, code, text) => {
        expect(await models.error('GET', filesPath(id, path))).toEqual({ status, code, text })
      })

      it('are not found where there are none', async () => {
        expect(await models.error('GET', filesPath(id, 'none'))).toMatchObject({
          status: 404,
          code: 'RESOURCE_DOES_NOT_EXIST',
        })
        expect(await models.error('GET', filesPath(id, 'model'))).toMatchObject({
          status: 400,
          code: 'INVALID_PARAMETER_VALUE',
        })
      })

      it('are refused for models that are deleted or missing', async () => {
        for (const modelId of [gone, MISSING]) {
          const expected = { status: 404, text: `Logged model with ID '${modelId}' not found.` }
          expect(await models.error('GET', filesPath(modelId, 'x'))).toMatchObject(expected)
          const list = `logged-models/${modelId}/artifacts/directories`
          expect(await models.error('GET', list)).toMatchObject(expected)
        }
        const climbing = `logged-models/${id}/artifacts/directories?artifact_directory_path=../x`
        expect(await models.error('GET', climbing)).toMatchObject({ text: 'Invalid path' })
      })
    })
  },
  ['PGlite'],
)
