// The operator's rule for the sources of model versions.
import { expect, it } from 'vitest'
import { emptyFolder, runProgram, runServer } from './program.ts'

const API = '/api/2.0/mlflow'
const VARIABLE = 'MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX'

it('sources of model versions have to match the expression that the operator sets', async () => {
  const env = { [VARIABLE]: '^s3://models/' }
  const server = await runServer([], { cwd: await emptyFolder(), env })
  const post = (path: string, body: object) => server.request('POST', `${API}/${path}`, body)
  await post('registered-models/create', { name: 'taster' })
  const create = (source: string) => post('model-versions/create', { name: 'taster', source })

  const refused = await create('s3://elsewhere/model')
  expect(refused.status).toBe(400)
  expect(refused.body).toMatchObject({
    error_code: 'INVALID_PARAMETER_VALUE',
    message: "Invalid model version source: 's3://elsewhere/model'.",
  })
  expect((await create('s3://models/taster')).body).toMatchObject({ model_version: { version: '1' } })
  server.signal('SIGTERM')
  await server.ended
})

it('an expression that is none keeps the server from starting', async () => {
  const { code, stderr } = await runProgram(['server'], {
    cwd: await emptyFolder(),
    env: { [VARIABLE]: '(' },
  })
  expect(code).toBe(2)
  expect(stderr).toContain(`${VARIABLE} must be a regular expression`)
})
