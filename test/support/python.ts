// Runs scripts with the stock MLflow client.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { useService } from './services.ts'

export interface PythonResult {
  exitCode: number | null
  stdout: string
  stderr: string
}

/**
 * Runs a script in an empty working folder with the Python of the run. `env` is added to this process's own;
 * `args` are the script's. Use below `describe.skipIf(missing('python'))`.
 */
export async function runPython(
  script: string,
  env: Record<string, string> = {},
  args: string[] = [],
): Promise<PythonResult> {
  const { command } = await useService('python')
  const cwd = await mkdtemp(join(tmpdir(), 'crateflow-python-'))
  try {
    return await new Promise<PythonResult>((resolve, reject) => {
      const child = spawn(command, ['-', ...args], {
        cwd,
        env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', GIT_PYTHON_REFRESH: 'quiet', ...env },
      })
      const result: PythonResult = { exitCode: null, stdout: '', stderr: '' }
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        result.stdout += text
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        result.stderr += text
      })
      child.once('error', reject)
      child.once('close', (exitCode) => resolve({ ...result, exitCode }))
      child.stdin.on('error', () => {})
      child.stdin.end(script)
    })
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
}

/** As runPython, and answers what the script printed. @throws Error with its stderr when it fails */
export async function pythonOutput(script: string, env: Record<string, string> = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await runPython(script, env)
  if (exitCode !== 0) throw new Error(`The script ended with code ${exitCode}:\n${stderr.slice(-4000)}`)
  return stdout
}
