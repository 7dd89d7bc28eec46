// The first steps of README.md, as a reader takes them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { engineTarget } from '../support/engines.ts'
import { pythonOutput } from '../support/python.ts'
import { startServer } from '../support/server.ts'
import { missing } from '../support/services.ts'

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')

describe.skipIf(missing('python'))('the first steps of the README', () => {
  const target = engineTarget('PGlite')

  it('log a run and find it', async () => {
    const [, script = ''] = /^```python\n([\s\S]*?)^```$/m.exec(readme) ?? []
    const server = await startServer({ backendStoreUri: target.uri })
    try {
      const output = await pythonOutput(script, { MLFLOW_TRACKING_URI: server.url })
      expect(output).toMatch(/FINISHED\s+0\.1\s+0\.1\s/)
    } finally {
      await server.stop()
    }
  })
})
