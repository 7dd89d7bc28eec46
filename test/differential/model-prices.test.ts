// The price list is what the catalogue in stock MLflow's package says.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { missing, useService } from '../support/services.ts'

const ROOT = join(import.meta.dirname, '../..')
const LIST = `
import glob, json, os, importlib.util
folder = os.path.join(os.path.dirname(importlib.util.find_spec("mlflow").origin), "utils/model_catalog")
columns = ["input", "output", "cache_read", "cache_write", "cache_write_1hr"]
for file in sorted(glob.glob(folder + "/*.json"), key=lambda path: os.path.basename(path)[:-5]):
    for model, entry in json.load(open(file))["models"].items():
        prices = [(entry.get("pricing") or {}).get(f"{column}_per_million_tokens") for column in columns]
        print(json.dumps([os.path.basename(file)[:-5], model, *prices]))
`

const reason = missing('python')

describe.skipIf(reason)('the price list', () => {
  it("is MLflow's", async () => {
    const { command } = await useService('python')
    const { stdout } = await promisify(execFile)(command, ['-c', LIST], { maxBuffer: 1 << 24 })
    const expected = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown[])
    const ours = readFileSync(join(ROOT, 'data/model-prices.tsv'), 'utf8')
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
      .map((line) => line.split('\t'))
      .map(([provider, model, ...prices]) => [
        provider,
        model,
        ...Array.from({ length: 5 }, (_, column) => (prices[column] ? Number(prices[column]) : null)),
      ])
    expect(ours).toEqual(expected)
  })
})
