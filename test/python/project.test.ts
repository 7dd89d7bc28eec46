// `mlflow run` of a project in a Git repository gives the client the same results as stock MLflow.
import { execFile } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { copyPrograms, EXAMPLES, runClient, TIMEOUT_MS } from './client.ts'
import { expectSameReadBack, readBack } from './read-back.ts'
import { onStock, useServer } from './servers.ts'

const EXPERIMENT = 'wine project'
/** Git reads the repository in the folder when it is asked for this one: no network, but a clone as of any URL. */
const REMOTE = 'https://repository.invalid/wine.git'
// Nobody names the runs, so the server does. The client puts its own folder before the URI of a file.
const VOLATILE = ['tags.mlflow.runName', 'tags.mlflow.source.name']

describe.skipIf(missing('stock'))('client', () => {
  const examples = copyPrograms(EXAMPLES)
  let commit = ''
  beforeAll(async () => {
    const git = (...args: string[]) => promisify(execFile)('git', ['-C', examples.folder, ...args])
    await git('init', '--quiet', '--initial-branch', 'main')
    await git('add', '.')
    await git(
      '-c',
      'user.name=test',
      '-c',
      'user.email=test@localhost',
      'commit',
      '--quiet',
      '-m',
      'Examples',
    )
    commit = (await git('rev-parse', 'HEAD')).stdout.trim()
  })

  const run = async (url: string) => {
    const repository = pathToFileURL(examples.folder).href
    const project = (uri: string, ...args: string[]) =>
      runClient(
        url,
        [
          '-m',
          'mlflow',
          'run',
          `${uri}#project`,
          '--env-manager',
          'local',
          '--experiment-name',
          EXPERIMENT,
          ...args,
        ],
        {
          GIT_CONFIG_COUNT: '1',
          GIT_CONFIG_KEY_0: `url.${repository}.insteadOf`,
          GIT_CONFIG_VALUE_0: REMOTE,
        },
      )
    await project(repository, '-P', 'alpha=0.5')
    await project(REMOTE, '--version', 'main', '-P', 'folds=4')
    return readBack(url, 'params.folds', [EXPERIMENT])
  }
  const stock = onStock(run)

  describeEachEngine(
    'mlflow run',
    (target) => {
      const server = useServer(target)

      it(
        'runs a project of a local and of a cloned repository with the same results as on stock MLflow',
        async () => {
          const [expected, ours] = [await stock(), await run(server.url)]
          expect(JSON.stringify(ours)).toContain(`"mlflow.source.git.commit":"${commit}"`)
          expectSameReadBack(expected, ours, VOLATILE)
        },
        TIMEOUT_MS,
      )
    },
    ['CrateDB'],
    ['PGlite'],
  )
})
