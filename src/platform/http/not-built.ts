// What parts of MLflow's API this server does not have, in words for whoever asks for one.

const NOT_BUILT: readonly [path: RegExp, text: string][] = [
  [/\/mlflow\/gateway(?:\/|-proxy|$)|^\/gateway\//, 'This server has no AI gateway.'],
  [/\/mlflow\/mcp-servers(?:\/|$)/, 'This server has no registry of MCP servers.'],
  [/\/mlflow\/assistant\//, 'This server has no assistant.'],
  [
    /\/3\.0\/(?:mlflow\/)?jobs(?:\/|$)|\/mlflow\/(?:prompt-optimization\/|scorer\/invoke|issues\/invoke|genai\/evaluate\/)/,
    'This server runs no jobs: judges, evaluations, the detection of issues and the optimization of prompts run where the client does.',
  ],
]

/** Why there is nothing at the path, led by a full stop; empty where MLflow has nothing either. */
export function whyNotBuilt(path: string): string {
  const text = NOT_BUILT.find(([pattern]) => pattern.test(path))?.[1]
  return text ? `. ${text}` : ''
}
