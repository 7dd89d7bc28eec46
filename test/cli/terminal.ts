// The program on a terminal of its own, with keys that are typed once it asks.
import { runPython } from '../support/python.ts'
import { useService } from '../support/services.ts'

const ON_A_TERMINAL = `
import fcntl, os, pty, struct, sys, termios
columns, prompt, keys, command = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3], sys.argv[4:]
keys = keys.encode().decode("unicode_escape").encode()
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    os.execvp(command[0], command)
output = b""
while True:
    if keys and prompt in output:
        os.write(terminal, keys)
        keys = b""
    try:
        chunk = os.read(terminal, 4096)
    except OSError:
        break
    if not chunk:
        break
    output += chunk
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.buffer.write(output.replace(b"\\r\\n", b"\\n") + b"\\n" + str(code).encode())
`

export interface OnTerminal {
  /** 80 unless told otherwise. */
  columns?: number
  /** With backslashes as in Python, such as `yes\\n` and `\\x03`. */
  keys?: string
  /** What is to be seen before the keys are typed. */
  prompt?: string
  env?: Record<string, string>
}

/** Runs the program to its end. Of one that a signal ended, the code is the negative number of the signal. */
export async function runOnTerminal(
  args: readonly string[],
  { columns = 80, keys = '', prompt = 'Type yes: ', env = {} }: OnTerminal = {},
): Promise<{ code: number; output: string }> {
  const { main } = await useService('build')
  const command = [process.execPath, main, ...args]
  const { stdout, stderr } = await runPython(ON_A_TERMINAL, env, [String(columns), prompt, keys, ...command])
  if (stderr !== '') throw new Error(stderr)
  const end = stdout.lastIndexOf('\n')
  return { code: Number(stdout.slice(end + 1)), output: stdout.slice(0, end) }
}
