// Suites of scripts whose last line of output is the same on stock MLflow and on this server.
import { describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { pythonOutput } from '../support/python.ts'
import { missing } from '../support/services.ts'
import { besideStock } from './servers.ts'

/** Runs all scripts in one process, since to import MLflow takes seconds. */
const RUN_ALL = `
import contextlib, io, traceback
import mlflow
answers = {}
for title, script in json.loads(SCRIPTS):
    printed = io.StringIO()
    mlflow.set_experiment(experiment_id="0")
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(script, title, "exec"), {"__name__": "__main__"})
        answers[title] = {"answer": json.loads(printed.getvalue().strip().split("\\n")[-1])}
    except Exception:
        answers[title] = {"failed": traceback.format_exc()}
    while mlflow.active_run():
        mlflow.end_run()
print(json.dumps(answers))`

/** Declares a suite of titled scripts, which print JSON. */
export function describeBesideStock(title: string, scripts: [title: string, script: string][]): void {
  const program = `import json\nSCRIPTS = ${JSON.stringify(JSON.stringify(scripts))}${RUN_ALL}`
  const run = async (url: string): Promise<Record<string, { answer?: unknown; failed?: string }>> => {
    const output = await pythonOutput(program, { MLFLOW_TRACKING_URI: url })
    return JSON.parse(output.trim().split('\n').at(-1) ?? '')
  }
  describe.skipIf(missing('stock'))('stock client', () => {
    const answersOn = besideStock(run)
    describeEachEngine(
      title,
      (target) => {
        const answers = answersOn(target)

        it.each(scripts)('%s', (name) => {
          expect(answers.expected[name]?.failed).toBeUndefined()
          expect(answers.ours[name]).toEqual(answers.expected[name])
        })
      },
      ['PGlite', 'CrateDB'],
    )
  })
}
