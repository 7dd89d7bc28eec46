// MLflow's own client against the artifact endpoints, through the server and past it.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { useArtifactApp } from '../api/artifacts/artifact-app.ts'
import { describeEachStore } from '../api/artifacts/targets.ts'
import { missing, useService } from '../support/services.ts'

const SCRIPT = join(import.meta.dirname, 'artifacts.py')
const CHUNK_BYTES = String(5 * 1024 * 1024)

/** Switches the client to sending and fetching parts itself, where the server offers that. */
const IN_PARTS = {
  MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD: 'true',
  MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD: 'true',
  MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE: CHUNK_BYTES,
  MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: CHUNK_BYTES,
  MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE: CHUNK_BYTES,
}

const reason = missing('python')

describe.skipIf(reason)(`MLflow's client${reason && ` (${reason})`}`, () => {
  describeEachStore('keeps artifacts', (target) => {
    const served = useArtifactApp(target)

    it.each([
      ['through the server', {}],
      ['in parts of its own', IN_PARTS],
    ])('%s', async (_how, env) => {
      const { command } = await useService('python')
      const run = promisify(execFile)
      const { stdout } = await run(command, [SCRIPT, served.url], {
        env: { ...process.env, MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1', ...env },
      })
      expect(JSON.parse(/^SEEN (.*)$/m.exec(stdout)?.[1] ?? '')).toEqual({
        listed: {
          'a.txt': 5,
          empty: null,
          "it's [1];x.json": 2,
          'other/folder/a.txt': 5,
          'sub/b ü 100%.bin': 1000,
          'sub/deep/big.bin': 12 * 1024 * 1024 + 5,
        },
        same: ['a.txt', 'empty', "it's [1];x.json", 'sub/b ü 100%.bin', 'sub/deep/big.bin'],
        after_delete: ['a.txt', 'empty', "it's [1];x.json", 'other'],
      })
    })
  })
})
