// Names that MLflow's clients and stock MLflow give to attributes of spans, to tags and to metadata of traces.
// @see mlflow/tracing/constant.py

export const ATTRIBUTE = {
  requestId: 'mlflow.traceRequestId',
  inputs: 'mlflow.spanInputs',
  outputs: 'mlflow.spanOutputs',
  spanType: 'mlflow.spanType',
  usage: 'mlflow.chat.tokenUsage',
  cost: 'mlflow.llm.cost',
  model: 'mlflow.llm.model',
  modelProvider: 'mlflow.llm.provider',
  messageFormat: 'mlflow.message.format',
  chatTools: 'mlflow.chat.tools',
  userId: 'user.id',
  sessionId: 'session.id',
  conversationId: 'gen_ai.conversation.id',
  traceTagPrefix: 'mlflow.traceTag.',
} as const

export const TAG = {
  traceName: 'mlflow.traceName',
  spansLocation: 'mlflow.trace.spansLocation',
  archiveLocation: 'mlflow.trace.archiveLocation',
  archivalFailure: 'mlflow.trace.archivalFailure',
  artifactLocation: 'mlflow.artifactLocation',
  linkedPrompts: 'mlflow.linkedPrompts',
} as const

export const METADATA = {
  infoFinalized: 'mlflow.trace.infoFinalized',
  tokenUsage: 'mlflow.trace.tokenUsage',
  cost: 'mlflow.trace.cost',
  user: 'mlflow.trace.user',
  session: 'mlflow.trace.session',
  sizeStats: 'mlflow.trace.sizeStats',
  sourceRun: 'mlflow.sourceRun',
} as const

/** The value of the tag `spansLocation` for spans that are in tables. */
export const IN_TABLES = 'TRACKING_STORE'
