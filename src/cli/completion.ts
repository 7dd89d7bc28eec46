// Shell completion, generated from the tree of commands so that it cannot fall behind.
import type { Command } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

interface OptionWords {
  name: string
  help: string
  takesValue: boolean
  /** What its value can be, where that is known. */
  choices: readonly string[]
}

interface Words {
  /** The subcommands that lead here, such as `db migrate`; empty for the program itself. */
  path: string
  commands: { name: string; help: string }[]
  options: OptionWords[]
  /** What its arguments can be, where that is known. */
  choices: readonly string[]
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
    .map(({ long, short, description, required, optional, argChoices }) => ({
      name: long ?? short ?? '',
      help: description,
      takesValue: required || optional,
      choices: argChoices ?? [],
    }))
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? [])
  const below = command.commands.flatMap((sub) => collect(sub, `${path} ${sub.name()}`.trim()))
  return [{ path, commands, options, choices }, ...below]
}

const wordsOf = ({ commands, options, choices }: Words) =>
  [...commands.map(({ name }) => name), ...choices, ...options.map(({ name }) => name)].join(' ')

/** What the words before match on the way to these words; behind a command without subcommands come its arguments. */
const patternOf = ({ path, commands }: Words) => (commands.length > 0 ? `'${path}'` : `'${path}'|'${path} '*`)

/** The case statement that both bash and zsh use: path of subcommands to the words that may follow. */
const cases = (tree: Words[]) =>
  tree.map((words) => `    ${patternOf(words)}) candidates='${wordsOf(words)}' ;;`).join('\n')

/**
 * The same for an option before, behind the first word: its choices; nothing where its value can be any, for which shells offer files.
 * Commands that give an option other choices than the first one that has it come before it.
 */
function valueCases(tree: Words[]): string {
  const usual = new Map<string, string>()
  const special: string[] = []
  for (const { path, options } of tree) {
    for (const { name, takesValue, choices } of options) {
      if (!takesValue) continue
      const line = `) candidates='${choices.join(' ')}' ;;`
      if ((usual.get(name) ?? line) === line) usual.set(name, line)
      else special.push(`'${path.split(' ', 1)[0]} ${name}'${line}`)
    }
  }
  return [...special, ...[...usual].map(([name, line]) => `*' ${name}'${line}`)]
    .map((line) => `    ${line}`)
    .join('\n')
}

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
  case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD-1]}" in
${valueCases(tree)}
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
  case "\${words_before[1]} \${words_before[-1]}" in
${valueCases(tree)}
  esac
  if [[ -n "$candidates" ]]; then compadd -- \${=candidates}; else _files; fi
}
_crateflow_complete() {
  local -a words_before=("\${(@)words[2,CURRENT-1]}")
  _crateflow
}
compdef _crateflow_complete crateflow
`

function fish(tree: Words[]): string {
  const lines = tree.flatMap(({ path, commands, options, choices }) => {
    const condition = fishCondition(path, commands)
    const begin = `complete -c crateflow -n "${condition}"`
    return [
      ...commands.map(({ name, help }) => `${begin} -f -a ${name} -d ${fishText(help)}`),
      ...(choices.length > 0 ? [`${begin} -f -a ${fishText(choices.join(' '))}`] : []),
      ...options.map(
        (option) => `${begin} -l ${option.name.slice(2)}${fishValue(option)} -d ${fishText(option.help)}`,
      ),
    ]
  })
  return ['# crateflow completion for fish. Install: crateflow completion fish | source', ...lines, ''].join(
    '\n',
  )
}

const fishText = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`

function fishValue({ takesValue, choices }: OptionWords): string {
  if (choices.length > 0) return ` -x -a ${fishText(choices.join(' '))}`
  return takesValue ? ' -r' : ''
}

/** All words of the path were typed, and none of the subcommands that may follow. */
function fishCondition(path: string, commands: Words['commands']): string {
  const seen = path === '' ? [] : path.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`)
  const next = commands.map(({ name }) => name).join(' ')
  const unseen = next === '' ? [] : [`not __fish_seen_subcommand_from ${next}`]
  return [...seen, ...unseen].join('; and ') || 'true'
}
