// `crateflow openapi`: the description of the API, made from the code without a database.
import { buildApp } from '../app.ts'
import { createLocationPolicy } from '../artifacts/stores/locations.ts'
import { absentEngine } from '../platform/database/absent.ts'

/** The OpenAPI document as indented JSON, as it is committed in `openapi/openapi.json`. */
export async function describeApi(): Promise<string> {
  const app = await buildApp({
    engine: absentEngine(),
    defaultArtifactRoot: 'mlflow-artifacts:/',
    locations: createLocationPolicy({
      allowedSchemes: [],
      allowedFolders: [],
      configured: [],
      maxLength: 2048,
    }),
    artifacts: { destination: undefined, only: true, s3: {}, presignedDownloadSeconds: 300 },
    shell: { staticPrefix: '', security: undefined, metrics: false, documentation: true },
  })
  const response = await app.inject('/openapi.json')
  await app.close()
  return `${JSON.stringify(JSON.parse(response.body), undefined, 2)}\n`
}
