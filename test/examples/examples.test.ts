// Each example runs as a user runs it, on this server and on stock MLflow, and prints the same; then its runs are read back through the API.
// Those that need large packages or take long run at night, by `npm run test:examples`. More examples are tested in test/python.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { javaClient, missingJava } from '../compatibility/maven.ts'
import { copyPrograms, EXAMPLES, runClient, TIMEOUT_MS } from '../python/client.ts'
import { onStock, useServer } from '../python/servers.ts'
import { describeEachEngine, type EngineName, type EngineTarget } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { examplesPython, leftToNight } from './environment.ts'
import { type ReadRun, readExperiment, shapeOf } from './read-experiment.ts'

interface Example {
  file: string
  experiment: string
  /** The program and what stands before the file; stock's Python unless told otherwise. */
  command?: () => Promise<[program: string, ...args: string[]]>
  /** A line of what it prints. */
  prints: string
  /** Lines with times and ports, which are others each time. */
  volatile?: RegExp
  /** What a user looks for in its runs, the oldest first. */
  runs: Partial<ReadRun>[]
}

const BOTH: EngineName[] = ['CrateDB', 'PGlite']
const night = async (): Promise<[string]> => [await examplesPython()]
const READY = 'LOGGED_MODEL_READY'
const FINISHED = 'FINISHED'

const BY_DAY: Example[] = [
  {
    file: 'rest.sh',
    experiment: 'rest by curl',
    command: async () => ['/bin/sh'],
    prints: 'logged by curl',
    runs: [{ name: 'by curl', status: FINISHED, params: { learning_rate: '0.1' }, artifacts: ['note.txt'] }],
  },
  {
    file: 'rest.mjs',
    experiment: 'rest by javascript',
    command: async () => [process.execPath],
    prints: 'by fetch: FINISHED, losses 0.9,0.6,0.4',
    runs: [{ name: 'by fetch', points: { loss: 3 }, metrics: { loss: 0.4 }, artifacts: ['losses.json'] }],
  },
]

const AT_NIGHT: Example[] = [
  {
    file: 'xgboost_autolog.py',
    experiment: 'xgboost autolog',
    command: night,
    prints: 'accuracy of the model, read back: 0.9',
    runs: [
      {
        name: 'boosted trees',
        status: FINISHED,
        points: { 'train-logloss': 20, 'test-logloss': 20 },
        datasets: ['dataset as train', 'test as eval', 'train as eval'],
        models: [`model ${READY}`],
        artifacts: ['feature_importance_weight.json', 'feature_importance_weight.png'],
      },
    ],
  },
  {
    file: 'lightgbm_autolog.py',
    experiment: 'lightgbm autolog',
    command: night,
    prints: 'accuracy of the model, read back: 0.9',
    runs: [
      {
        name: 'early stopping',
        status: FINISHED,
        metrics: expect.objectContaining({ best_iteration: expect.any(Number) }),
        datasets: ['dataset as train', 'test as eval'],
        models: [`model ${READY}`],
        artifacts: ['gain', 'split'].flatMap((kind) => [
          `feature_importance_${kind}.json`,
          `feature_importance_${kind}.png`,
        ]),
      },
    ],
  },
  {
    file: 'lightning_autolog.py',
    experiment: 'lightning autolog',
    command: night,
    prints: 'loss of the validation data fell in 5 epochs: True',
    runs: [
      {
        name: 'two layers',
        status: FINISHED,
        params: expect.objectContaining({ optimizer_name: 'Adam', lr: '0.02' }),
        points: { train_loss: 5, val_loss: 5, val_accuracy: 5 },
        models: [`model ${READY}`],
        artifacts: ['checkpoints', 'model_summary.txt'],
      },
    ],
  },
  {
    file: 'huggingface_callback.py',
    experiment: 'hugging face callback',
    command: night,
    prints: "checkpoints: ['checkpoint-16', 'checkpoint-8']",
    volatile: /^\{.*\}$/,
    runs: [
      {
        name: 'tiny bert',
        status: FINISHED,
        params: expect.objectContaining({ model_type: 'bert', num_train_epochs: '2' }),
        points: expect.objectContaining({ loss: 4, eval_loss: 2, train_loss: 1 }),
        models: [`checkpoint-16 ${READY}`, `checkpoint-8 ${READY}`],
      },
    ],
  },
  {
    file: 'statsmodels_forecast.py',
    experiment: 'forecasting',
    command: night,
    prints: 'the better one, read back, says for January 2025: ',
    runs: ['Holt-Winters', 'ARIMA'].map((name) => ({
      name,
      status: FINISHED,
      params: expect.objectContaining({ model: name, horizon: '12' }),
      points: {
        absolute_error: 12,
        mean_absolute_error: 1,
        mean_absolute_percentage_error: 1,
        root_mean_squared_error: 1,
      },
      datasets: ['monthly sales as training'],
      models: [`forecaster ${READY}`],
    })),
  },
  {
    file: 'optuna_nested_runs.py',
    experiment: 'optuna',
    command: night,
    prints: "the study's best is the same: True",
    runs: [
      {
        name: 'study',
        status: FINISHED,
        params: { best_alpha: expect.any(String), best_penalty: expect.any(String) },
      },
      ...Array.from({ length: 8 }, (_, trial) => ({
        name: `trial ${trial}`,
        status: FINISHED,
        parent: 'study',
        points: { accuracy: 1, fold_accuracy: 3 },
      })),
    ],
  },
  {
    file: 'ray_train.py',
    experiment: 'ray train',
    command: night,
    prints: 'accuracy of the model, read back: 0.',
    runs: [
      {
        name: 'two workers',
        status: FINISHED,
        params: { lr: '0.05', epochs: '5', workers: '2' },
        points: { loss: 5, accuracy: 5 },
        models: [`classifier ${READY}`],
      },
    ],
  },
  {
    file: 'serve_champion.py',
    experiment: 'serving',
    prints: 'champion of served-classifier answers [0, 0, 1, 1, 1, 2]',
    volatile: /^INFO: /,
    runs: [{ name: 'logistic regression', status: FINISHED, models: [`classifier ${READY}`] }],
  },
  {
    file: 'system_metrics.py',
    experiment: 'system metrics',
    prints: 'system/system_memory_usage_percentage',
    runs: [
      {
        name: 'products of matrices',
        status: FINISHED,
        metrics: expect.objectContaining({
          'system/cpu_utilization_percentage': expect.any(Number),
          'system/disk_available_megabytes': expect.any(Number),
          'system/network_receive_megabytes': expect.any(Number),
        }),
      },
    ],
  },
  {
    file: 'java/TrackRun.java',
    experiment: 'java client',
    command: async () => ['/usr/bin/env', 'java', '-cp', await javaClient()],
    prints: 'from Java: FINISHED',
    runs: [
      {
        name: 'from Java',
        status: FINISHED,
        params: { learning_rate: '0.1', depth: '3' },
        points: { loss: 3 },
      },
    ],
  },
]

const lacking = ({ file }: Example): string => (file.endsWith('.java') ? missingJava() : '')

describe.skipIf(missing('stock'))('examples', () => {
  const copied = copyPrograms(EXAMPLES)

  const run = async ({ file, experiment, command, volatile }: Example, url: string) => {
    const [program, ...args] = (await command?.()) ?? [undefined]
    const printed = await runClient(url, [...args, join(copied.folder, file)], {}, program)
    const lines = printed.split('\n').filter((line) => !volatile?.test(line))
    return { printed: lines.join('\n'), runs: await readExperiment(url, experiment) }
  }

  /** Declares a test of each example. */
  const suite = (examples: readonly Example[]) => {
    const onBoth = examples.map((example) => ({ example, stock: onStock((url) => run(example, url)) }))
    return (target: EngineTarget) => {
      const server = useServer(target)
      for (const { example, stock } of onBoth) {
        const reason = lacking(example)
        it.skipIf(reason)(
          `${example.file}${reason && ` (${reason})`}`,
          async () => {
            const [expected, ours] = [await stock(), await run(example, server.url)]
            expect(ours.printed).toContain(example.prints)
            expect(ours.printed).toBe(expected.printed)
            expect(ours.runs).toMatchObject(example.runs)
            expect(shapeOf(ours.runs)).toEqual(shapeOf(expected.runs))
          },
          TIMEOUT_MS,
        )
      }
    }
  }

  describeEachEngine('log and find as on stock MLflow', suite(BY_DAY), leftToNight ? ['CrateDB'] : BOTH)
  describe.skipIf(leftToNight)(`of the night${leftToNight && ` (${leftToNight})`}`, () => {
    describeEachEngine('log and find as on stock MLflow', suite(AT_NIGHT), BOTH)
  })
})
