// `crateflow doctor`: looks at all that a server needs, or at one that runs, and says what to do.
import { type Environment, type Flags, silenceAwsSdk } from '../../config.ts'
import { reasonOf } from '../../errors.ts'
import { EXIT, UsageError } from '../errors.ts'
import { print } from '../print.ts'
import { readServerConfig } from '../server.ts'
import { terminalOf } from '../terminal.ts'
import { checkDatabase } from './database.ts'
import { type Finding, failure, findingJson, findingText, type Tell } from './finding.ts'
import { checkRunningServer } from './running-server.ts'
import { checkArtifacts, checkNode, checkPort, checkSettings, checkUi } from './surroundings.ts'

export interface DoctorArguments {
  /** Those of `crateflow server`. */
  flags: Flags
  env: Environment
  /** What flags of stock MLflow mean here. @throws UsageError for those that a server would refuse */
  judgeFlags: () => string[]
  /** The running server to check instead of what a new one needs. */
  trackingUri: string | undefined
  /** Whether a run may be made on it. */
  write: boolean
  json: boolean
}

/** Tells what it finds line by line. @returns the exit code: 1 when something fails */
export async function runDoctor(given: DoctorArguments): Promise<number> {
  if (given.write && given.trackingUri === undefined)
    throw new UsageError('--write makes a run on a running server: name it with --tracking-uri.')
  const terminal = terminalOf(given.env)
  const found: Finding[] = []
  const tell: Tell = (...findings) => {
    found.push(...findings)
    if (!given.json) for (const finding of findings) print(findingText(finding, terminal))
  }
  if (given.trackingUri === undefined) await checkSurroundings(given, tell)
  else await checkRunningServer({ ...given, trackingUri: given.trackingUri }, tell)
  const failures = count(found, 'failure')
  if (given.json) print(JSON.stringify({ findings: found.map(findingJson) }))
  else print(summary(failures, count(found, 'warning')))
  return failures > 0 ? EXIT.failure : EXIT.ok
}

const count = (found: readonly Finding[], verdict: Finding['verdict']) =>
  found.filter((finding) => finding.verdict === verdict).length

function summary(failures: number, warnings: number): string {
  if (failures + warnings === 0) return 'All is well.'
  const told = [
    failures === 0 ? '' : failures === 1 ? '1 failure' : `${failures} failures`,
    warnings === 0 ? '' : warnings === 1 ? '1 warning' : `${warnings} warnings`,
  ]
  return `${told.filter(Boolean).join(', ')}.`
}

async function checkSurroundings({ flags, env, judgeFlags }: DoctorArguments, tell: Tell): Promise<void> {
  tell(checkNode())
  silenceAwsSdk()
  let settings: ReturnType<typeof readServerConfig>
  let warnings: string[]
  try {
    warnings = judgeFlags()
    settings = readServerConfig(flags, env)
  } catch (error) {
    return tell(failure('Settings', reasonOf(error), 'crateflow server --help tells all settings.'))
  }
  tell(...checkSettings(settings.config, { flags, env, warnings }))
  tell(await checkPort(settings.config))
  await checkDatabase(settings.config, tell)
  tell(await checkArtifacts(settings))
  tell(await checkUi(settings.config, env))
}
