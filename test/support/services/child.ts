// Child processes of tests: they end with their tests, also when the test process is killed.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { chown, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ChildOptions {
  command: string[]
  /** Receives stdout and stderr. */
  logFile: string
  env?: NodeJS.ProcessEnv
  cwd?: string
  user?: { uid: number; gid: number }
  /** Answers true once the child can be used; a throw means not yet. */
  ready: () => Promise<boolean>
  /** How long `ready` may take; machines under load are slow. */
  timeoutMs?: number
}

export interface Child {
  pid: number
  log: () => string
  stop: () => Promise<void>
  /** SIGKILL to the whole process group, as a crash would end it. */
  kill: () => Promise<void>
}

/** A shell script that runs its arguments and ends their process group when its stdin closes: the kernel does that
 * for us if this process dies. */
export const GUARD = `trap : TERM
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
( trap '' TERM; cat <&3 >/dev/null; kill -TERM 0; sleep 10; kill -KILL 0 ) &
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
exit "$code"`

/**
 * Starts a command in its own process group and waits until it is ready.
 * @throws Error with the end of its log when it exits or is not ready in time
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const log = openSync(options.logFile, 'a')
  const guard = spawn('sh', ['-c', GUARD, 'guard', ...options.command], {
    stdio: ['pipe', log, log],
    detached: true,
    env: options.env ?? process.env,
    cwd: options.cwd,
    ...options.user,
  })
  closeSync(log)
  const child = describeChild(guard, options.logFile)
  const deadline = Date.now() + (options.timeoutMs ?? 180_000)
  while (!(await options.ready().catch(() => false))) {
    const exited = guard.exitCode !== null || guard.signalCode !== null
    if (exited || Date.now() > deadline) {
      await child.stop()
      const what = exited ? `ended with code ${guard.exitCode}` : 'is not ready in time'
      throw new Error(`${options.command[0]} ${what}:\n${child.log().slice(-4000)}`)
    }
    await sleep(50)
  }
  return child
}

function describeChild(guard: ChildProcess, logFile: string): Child {
  const pid = guard.pid
  if (pid === undefined) throw new Error('The shell that guards child processes does not start')
  const ended = new Promise<void>((resolve) => guard.once('exit', () => resolve()))
  guard.stdin?.on('error', () => {})
  const kill = async () => {
    signalGroup(pid)
    await ended
    // The guard may be gone before what it guards: whoever comes next must not meet it.
    for (let attempt = 0; attempt < 100 && signalGroup(pid); attempt++) await sleep(50)
  }
  return {
    pid,
    log: () => readFileSync(logFile, 'utf8'),
    kill,
    stop: async () => {
      guard.stdin?.end()
      await Promise.race([ended, sleep(10_000, undefined, { ref: false })])
      await kill()
    },
  }
}

/** True while the group has a process. */
function signalGroup(pid: number): boolean {
  try {
    return process.kill(-pid, 'SIGKILL')
  } catch {
    return false
  }
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** True when the URL answers with a success status. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) })
  await response.arrayBuffer()
  return response.ok
}

/**
 * The user to run a server as that refuses root: undefined unless this process is root.
 * The folders are handed over to that user.
 */
export async function unprivilegedUser(
  names: string[],
  folders: string[],
): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const entries = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  const entry = [...names, 'nobody'].map((name) => entries.find((e) => e[0] === name)).find(Boolean)
  if (!entry) return undefined
  const user = { uid: Number(entry[2]), gid: Number(entry[3]) }
  for (const folder of folders) await chown(folder, user.uid, user.gid)
  return user
}
