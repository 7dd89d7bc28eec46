// What seed_genai.py makes on a server, and the pages of it.
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { runClient } from '../../../python/client.ts'
import type { UiServer } from '../../server.ts'
import { openForAgents, type Ui, useUi } from '../../ui.ts'

/** What seed_genai.py prints: ids of what it has made. */
export interface GenaiSeed {
  /** `traces`: newest first; 0 to 19 are assessed, 0 to 11 belong to sessions of four, each tenth has failed. */
  agent: { experiment_id: string; traces: string[] }
  odd: { experiment_id: string; details: string; large: string; many: string; in_progress: string }
  /** `first`, `second`: runs of the evaluation. */
  evaluation: { experiment_id: string; dataset_id: string; first: string; second: string }
  reviews: { experiment_id: string; queue_id: string; traces: string[] }
  /** Of the agent's traces 30 to 32. */
  issues: { run_id: string; issue_id: string }
}

export interface GenaiUi extends Ui {
  readonly genai: GenaiSeed
}

export const COLUMNS = 'web-shared.traces-table'
export const PANE = 'shared.model-trace-explorer'

/** As useUi, with a server that is filled by seed_genai.py once it is started. */
export function useGenaiUi(folder: string, start: () => Promise<UiServer>): GenaiUi {
  let seed: GenaiSeed
  const ui = useUi(folder, async () => {
    const server = await start()
    seed = await seedGenai(server.url)
    return server
  })
  return Object.create(ui, { genai: { get: () => seed } })
}

export async function seedGenai(url: string): Promise<GenaiSeed> {
  const output = await runClient(url, [join(import.meta.dirname, '../../seed_genai.py')], {
    GIT_PYTHON_REFRESH: 'quiet',
  })
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as GenaiSeed
}

/** The tab of the experiment, such as `traces`. */
export const openTab = (ui: Ui, experiment: { experiment_id: string }, tab: string): Promise<Page> =>
  openForAgents(ui, `/experiments/${experiment.experiment_id}/${tab}`)

/** The details of a trace over the table of the experiment's traces. */
export const openTrace = (ui: Ui, experiment: { experiment_id: string }, traceId: string): Promise<Page> =>
  openTab(ui, experiment, `traces?selectedEvaluationId=${traceId}`)
