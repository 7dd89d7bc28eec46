// Writes data/model-prices.tsv from the model catalogue in an installed mlflow package:
// node scripts/model-prices.mjs .venv/lib/python3.11/site-packages/mlflow
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const HEAD = `# Prices of models in US dollars for a million tokens: provider, model, input, output, read from a cache, written to a cache, written for an hour.
# Facts from the model catalogue of MLflow 3.17.2 (Apache-2.0, see NOTICE), written by scripts/model-prices.mjs.
`
const COLUMNS = ['input', 'output', 'cache_read', 'cache_write', 'cache_write_1hr']

const folder = join(process.argv[2] ?? '', 'utils/model_catalog')
const lines = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length))
  .sort()
  .flatMap((provider) => {
    const { models } = JSON.parse(readFileSync(join(folder, `${provider}.json`), 'utf8'))
    return Object.entries(models).map(([model, { pricing = {} }]) => {
      const prices = COLUMNS.map((column) => pricing[`${column}_per_million_tokens`] ?? '')
      return [provider, model, ...prices].join('\t').trimEnd()
    })
  })
writeFileSync(new URL('../data/model-prices.tsv', import.meta.url), `${HEAD}${lines.join('\n')}\n`)
