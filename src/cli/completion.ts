// Shell completion, generated from the tree of commands so that it cannot fall behind.
import type { Command } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

interface Words {
  /** The subcommands that lead here, such as `db migrate`; empty for the program itself. */
  path: string
  commands: { name: string; help: string }[]
  options: { name: string; help: string }[]
}

/** The script to source for a shell. */
export function completionScript(program: Command, shell: Shell): string {
  const tree = collect(program, '')
  if (shell === 'bash') return bash(tree)
  if (shell === 'zsh') return zsh(tree)
  return fish(tree)
}

function collect(command: Command, path: string): Words[] {
  const help = command.createHelp()
  const commands = help
    .visibleCommands(command)
    .filter((sub) => sub.name() !== 'help')
    .map((sub) => ({ name: sub.name(), help: sub.summary() || sub.description() }))
  const options = help
    .visibleOptions(command)
    .map(({ long, short, description }) => ({ name: long ?? short ?? '', help: description }))
  const below = command.commands.flatMap((sub) => collect(sub, `${path} ${sub.name()}`.trim()))
  return [{ path, commands, options }, ...below]
}

const wordsOf = ({ commands, options }: Words) => [...commands, ...options].map(({ name }) => name).join(' ')

/** The case statement that both bash and zsh use: path of subcommands to the words that may follow. */
const cases = (tree: Words[]) =>
  tree.map((words) => `    '${words.path}') candidates='${wordsOf(words)}' ;;`).join('\n')

const bash = (tree: Words[]) => `# crateflow completion for bash. Install: eval "$(crateflow completion bash)"
_crateflow() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' candidates='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) break ;; esac
    path="\${path:+$path }$word"
  done
  case "$path" in
${cases(tree)}
  esac
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
}
complete -o default -F _crateflow crateflow
`

const zsh = (tree: Words[]) => `#compdef crateflow
# crateflow completion for zsh. Install: eval "$(crateflow completion zsh)"
_crateflow() {
  local current_path='' candidates='' word
  for word in "\${(@)words_before}"; do
    case "$word" in -*) break ;; esac
    current_path="\${current_path:+$current_path }$word"
  done
  case "$current_path" in
${cases(tree)}
  esac
  compadd -- \${=candidates}
}
_crateflow_complete() {
  local -a words_before=("\${(@)words[2,CURRENT-1]}")
  _crateflow
}
compdef _crateflow_complete crateflow
`

function fish(tree: Words[]): string {
  const lines = tree.flatMap(({ path, commands, options }) => {
    const condition = fishCondition(path, commands)
    const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`
    return [
      ...commands.map(
        ({ name, help }) => `complete -c crateflow -n "${condition}" -f -a ${name} -d ${quoted(help)}`,
      ),
      ...options.map(
        ({ name, help }) => `complete -c crateflow -n "${condition}" -l ${name.slice(2)} -d ${quoted(help)}`,
      ),
    ]
  })
  return ['# crateflow completion for fish. Install: crateflow completion fish | source', ...lines, ''].join(
    '\n',
  )
}

/** All words of the path were typed, and none of the subcommands that may follow. */
function fishCondition(path: string, commands: Words['commands']): string {
  const seen = path === '' ? [] : path.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`)
  const next = commands.map(({ name }) => name).join(' ')
  const unseen = next === '' ? [] : [`not __fish_seen_subcommand_from ${next}`]
  return [...seen, ...unseen].join('; and ') || 'true'
}
