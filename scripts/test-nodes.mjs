// Runs the main part of the tests on other versions of Node, whose binaries the npm package `node` brings.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const MAJORS = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24']
/** What touches Node most: files, processes, sockets, streams; on all engines. */
const PARTS = ['test/unit', 'test/engine', 'test/api', 'test/cli']

/** The binary of the newest release of a major version; installed once. */
function nodeOf(major) {
  const folder = join(root, '.cache', 'nodes', major)
  const binary = join(folder, 'node_modules', 'node', 'bin', 'node')
  if (!existsSync(binary))
    execFileSync('npm', ['install', '--silent', '--no-save', '--prefix', folder, `node@${major}`], {
      stdio: 'inherit',
    })
  return binary
}

const failed = MAJORS.filter((major) => {
  const binary = nodeOf(major)
  const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim()
  console.log(`\nNode ${version}: ${PARTS.join(', ')}`)
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const PATH = [join(binary, '..'), process.env.PATH].join(delimiter)
  const { status } = spawnSync(binary, [vitest, 'run', ...PARTS], {
    cwd: root,
    env: { ...process.env, PATH },
    stdio: 'inherit',
  })
  return status !== 0
})

if (failed.length > 0) console.log(`Failed on Node ${failed.join(' and ')}`)
process.exitCode = failed.length > 0 ? 1 : 0
