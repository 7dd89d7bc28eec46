// Cases of spans that other instrumentations name in their own ways.
import { type Case, createExperiment, post } from './cases.ts'
import {
  API3,
  attributes,
  child,
  exported,
  getInfo,
  getTrace,
  json,
  span,
  text,
  traceId,
} from './traces-otlp.cases.ts'

type Value = Record<string, unknown>
type Attributes = Record<string, Value>
const int = (value: number): Value => ({ intValue: String(value) })
const list = (...values: Value[]): Value => ({ arrayValue: { values } })

interface Sample {
  attributes?: Attributes
  events?: { name: string; attributes: Attributes }[]
}

/** A trace for each sample, and what is read of it. */
function samples(title: string, all: Sample[]): Case {
  return {
    title,
    steps: [
      createExperiment('e'),
      exported(
        all.map((sample, number) =>
          span(1, {
            traceId: traceId(number),
            attributes: attributes(sample.attributes ?? {}),
            events: (sample.events ?? []).map((event) => ({
              timeUnixNano: '1700000000000000000',
              name: event.name,
              attributes: attributes(event.attributes),
            })),
          }),
        ),
      ),
      ...all.flatMap((_sample, number) => [getTrace(number), getInfo(number)]),
    ],
  }
}

const kinds = (key: string, values: string[]): Sample[] =>
  values.map((value) => ({ attributes: { [key]: text(value) } }))

const OPEN_INFERENCE: Attributes = {
  'openinference.span.kind': text('LLM'),
  'input.value': json({ messages: [{ role: 'user', content: 'Hi' }] }),
  'output.value': text('Hello'),
  'llm.model_name': text('gpt-4o-mini'),
  'llm.provider': text('openai'),
  'llm.token_count.prompt': int(1000),
  'llm.token_count.completion': int(10),
  'llm.token_count.prompt_details.cache_read': int(400),
}
const GEN_AI: Attributes = {
  'gen_ai.operation.name': text('chat'),
  'gen_ai.provider.name': text('anthropic'),
  'gen_ai.request.model': text('alias'),
  'gen_ai.response.model': text('claude-3-haiku-20240307'),
  'gen_ai.usage.input_tokens': int(500),
  'gen_ai.usage.output_tokens': int(7),
  'gen_ai.usage.cache_read.input_tokens': int(100),
  'gen_ai.usage.cache_creation.input_tokens': int(50),
  'gen_ai.input.messages': json([{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }]),
  'gen_ai.output.messages': json([{ role: 'assistant', parts: [{ type: 'text', content: 'Hö' }] }]),
  'gen_ai.tool.definitions': json([{ type: 'function', name: 'f' }]),
}
const VERCEL: Attributes = {
  'ai.operationId': text('ai.generateText.doGenerate'),
  'ai.prompt.messages': json([{ role: 'user', content: [{ type: 'text', text: 'Hü' }] }]),
  'ai.prompt.tools': list(json({ type: 'function', name: 'f', ratio: 1.5 }), text('plain')),
  'ai.response.text': text('Hello'),
  'ai.response.finishReason': text('stop'),
  'ai.response.toolCalls': json([{ toolName: 'f', args: '{"x": 1.0}' }]),
  'gen_ai.request.model': text('gpt-4o'),
  'gen_ai.usage.input_tokens': int(3),
  'gen_ai.usage.output_tokens': int(4),
}
const CLAUDE_LLM: Attributes = {
  'span.type': text('claude_code.llm_request'),
  input_tokens: int(5),
  output_tokens: text('6'),
  cache_read_tokens: { doubleValue: 7.9 },
  cache_creation_tokens: int(8),
  new_context: text('Do it'),
  'response.model_output': text('Done'),
}
const event = (name: string, values: Attributes) => ({ name, attributes: values })

/** A call of a model with tokens. */
const call = (model: string, more: Attributes = {}, tokens: object = {}): Sample => ({
  attributes: {
    'mlflow.llm.model': text(model),
    'mlflow.chat.tokenUsage': json({ input_tokens: 1234, output_tokens: 567, total_tokens: 1801, ...tokens }),
    ...more,
  },
})
const provider = (name: string) => ({ 'mlflow.llm.provider': text(name) })

export const instrumentationCases: Case[] = [
  samples('understands OpenInference', [
    { attributes: OPEN_INFERENCE },
    { attributes: { ...OPEN_INFERENCE, 'mlflow.spanType': text('TOOL'), 'mlflow.spanInputs': text('mine') } },
    {
      attributes: {
        ...OPEN_INFERENCE,
        'mlflow.spanType': text('UNKNOWN'),
        'llm.token_count.total': int(2000),
      },
    },
    {
      attributes: { 'llm.token_count.prompt': text('12'), 'llm.token_count.completion': { doubleValue: 3 } },
    },
    { attributes: { 'input.value': text(''), 'output.value': json({}), 'llm.model_name': text('0') } },
    { attributes: { 'llm.response.model_name': text('a'), 'llm.model_name': text('b') } },
    ...kinds('openinference.span.kind', ['CHAIN', 'RERANKER', 'GUARDRAIL', 'bogus', 'constructor']),
  ]),
  samples("understands OpenTelemetry's conventions", [
    { attributes: GEN_AI },
    { attributes: { 'gen_ai.tool.call.arguments': json({ x: 1 }), 'gen_ai.tool.call.result': text('3') } },
    { attributes: { 'gen_ai.usage.cache_write.input_tokens': int(2), 'gen_ai.usage.input_tokens': int(3) } },
    ...kinds('gen_ai.operation.name', [
      'embeddings',
      'execute_tool',
      'invoke_agent',
      'generate_content',
      'CHAT',
    ]),
    {
      events: [
        event('gen_ai.system.message', { content: text('Be kind') }),
        event('gen_ai.user.message', { content: json({ x: 1.5, y: 'ü' }) }),
        event('gen_ai.assistant.message', { content: text('') }),
        event('gen_ai.choice', { content: text('Yes') }),
        event('gen_ai.choice', { content: text('No'), role: text('tool') }),
      ],
    },
  ]),
  samples('understands Traceloop, Laminar and Langfuse', [
    {
      attributes: {
        'traceloop.span.kind': text('workflow'),
        'traceloop.entity.input': json({ args: [1] }),
        'traceloop.entity.output': text('out'),
        'gen_ai.system': text('OpenAI'),
        'gen_ai.request.model': text('gpt-4'),
        'gen_ai.usage.prompt_tokens': int(10),
        'gen_ai.usage.completion_tokens': int(20),
        'llm.usage.total_tokens': int(31),
      },
    },
    {
      attributes: {
        'gen_ai.prompt.0.content': text(''),
        'gen_ai.prompt.1.content': text('Second'),
        'gen_ai.completion.0.content': text('Answer'),
      },
    },
    { attributes: { 'gen_ai.completion.0.tool_calls.0.arguments': json({ x: 1 }) } },
    {
      attributes: {
        'lmnr.span.type': text('PIPELINE'),
        'lmnr.span.input': json([1]),
        'lmnr.span.output': text('out'),
      },
    },
    {
      attributes: {
        'langfuse.observation.type': text('generation'),
        'langfuse.observation.input': text('in'),
        'langfuse.observation.output': text('out'),
      },
    },
    ...kinds('langfuse.observation.type', ['span', 'evaluator']),
  ]),
  samples("understands Vercel's AI SDK and Google's ADK", [
    { attributes: VERCEL },
    { attributes: { 'ai.operationId': text('ai.streamText.doStream') } },
    {
      attributes: {
        'ai.operationId': text('ai.toolCall'),
        'ai.toolCall.args': json({ a: 1 }),
        'ai.toolCall.result': json(3),
      },
    },
    {
      attributes: { 'ai.operationId': text('ai.embed'), 'ai.value': text('v'), 'ai.embedding': json([0.5]) },
    },
    {
      attributes: {
        'ai.operationId': text('ai.generateText'),
        'ai.prompt': json({ prompt: 'Hi' }),
        'ai.response.text': text('Ho'),
      },
    },
    {
      attributes: {
        'gcp.vertex.agent.llm_request': json({ model: 'gemini-2.0-flash', contents: [] }),
        'gcp.vertex.agent.llm_response': json({ content: 'x' }),
      },
    },
  ]),
  samples('understands Gemini CLI and Claude Code', [
    {
      attributes: {
        'gen_ai.agent.name': text('gemini-cli'),
        'gen_ai.operation.name': text('llm_call'),
        'gen_ai.input.messages': json([{ role: 'user', parts: [{ text: 'Hä' }] }]),
        'gen_ai.output.messages': json([
          { role: 'model', parts: [{ text: 'a' }] },
          { parts: [{ text: 'b' }] },
          1,
        ]),
      },
    },
    {
      attributes: {
        'gen_ai.agent.name': text('gemini-cli'),
        'gen_ai.operation.name': text('system_prompt'),
        'gen_ai.input.messages': text('Hi'),
        'gen_ai.output.messages': json({ candidates: [1] }),
      },
    },
    { attributes: CLAUDE_LLM },
    { attributes: { ...CLAUDE_LLM, 'span.type': text('llm_request'), new_context: text('<REDACTED>') } },
    {
      attributes: {
        'span.type': text('claude_code.interaction'),
        user_prompt: text('<REDACTED>'),
        new_context: text('n'),
      },
    },
    { attributes: { 'span.type': text('interaction'), user_prompt: text('Hi') } },
    {
      attributes: {
        'span.type': text('claude_code.tool'),
        full_command: text('ls ü'),
        file_path: text('<REDACTED>'),
      },
      events: [
        event('tool.output', { output: text('<REDACTED>'), content: json({ a: 'ü' }) }),
        event('tool.output', { output: text('second') }),
      ],
    },
    {
      attributes: {
        'span.type': text('claude_code.tool'),
        tool_input: json({ a: 1 }),
        new_context: text('x'),
      },
    },
    { attributes: { 'span.type': text('claude_code.other') } },
  ]),
  samples('understands Spring AI, VoltAgent and LiveKit', [
    {
      attributes: { 'gen_ai.operation.name': text('chat') },
      events: [
        event('gen_ai.content.prompt', { 'gen_ai.prompt': text('') }),
        event('gen_ai.content.prompt', { 'gen_ai.prompt': text('Hi there') }),
        event('gen_ai.content.completion', { 'gen_ai.completion': json({ a: 1 }) }),
      ],
    },
    {
      attributes: {
        'span.type': text('llm'),
        'entity.type': text('agent'),
        'voltagent.operation_id': text('1'),
        'llm.messages': json([{ role: 'user', content: 'x' }]),
        output: text('o'),
        'usage.prompt_tokens': int(1),
        'llm.usage.completion_tokens': int(2),
      },
    },
    { attributes: { 'entity.type': text('agent'), input: text('i') } },
    { attributes: { 'span.type': text('memory') } },
    {
      attributes: {
        'lk.agent_name': text('a'),
        'lk.user_input': text('in'),
        'lk.response.text': text('out'),
      },
    },
    { attributes: { 'lk.function_tool.name': text('f') } },
    { attributes: { 'lk.tts.x': text('f'), 'lk.input_text': text('say') } },
    { attributes: { 'lk.retry_count': int(1), 'gen_ai.request.model': text('gpt-4o') } },
  ]),
  samples('works out what calls cost', [
    call('gpt-4o'),
    call('gpt-4o', provider('openai')),
    call('gpt-4o', provider('OpenAI')),
    call('gpt-4o', provider('azure')),
    call('gpt-4o', provider('bogus')),
    call('openai/gpt-4o-mini'),
    call('claude-3-haiku-20240307', provider('anthropic'), {
      cache_read_input_tokens: 200,
      cache_creation_input_tokens: 100,
    }),
    call('claude-sonnet-4-20250514', provider('anthropic'), {
      cache_read_input_tokens: 2000,
      cache_creation_input_tokens: 100,
      cache_creation_input_tokens_above_1hr: 40,
    }),
    call('databricks-claude-sonnet-4'),
    call('text-embedding-3-small'),
    call('no such model'),
    call('gateway:/gpt-4o'),
    call('gpt-4o', {}, { input_tokens: 0, output_tokens: 0 }),
    call('gpt-4o', {}, { output_tokens: undefined }),
    call('gpt-4o', { 'mlflow.llm.cost': json({ total_cost: 1 }) }),
    call('gpt-4o', { 'mlflow.llm.provider': json({ x: 1 }) }),
    {
      attributes: {
        'mlflow.spanInputs': json({ model: 'gpt-4o', messages: [] }),
        'mlflow.chat.tokenUsage': json({ input_tokens: 1000, output_tokens: 1 }),
      },
    },
    {
      attributes: {
        'mlflow.spanInputs': json({ model: '' }),
        'mlflow.spanOutputs': json({ model: 'gpt-4o-mini' }),
        'mlflow.chat.tokenUsage': json({ input_tokens: 1000, output_tokens: 1 }),
      },
    },
    { attributes: { 'mlflow.spanInputs': json({ model: 5 }), 'mlflow.spanOutputs': json({ model: 'x' }) } },
  ]),
  {
    title: 'sums up what is derived, and searches by what was sent',
    steps: [
      createExperiment('e'),
      exported([
        span(1, { attributes: attributes({ 'openinference.span.kind': text('AGENT') }) }),
        child(2, 1, { attributes: attributes(OPEN_INFERENCE) }),
        child(3, 1, { attributes: attributes(GEN_AI) }),
      ]),
      getTrace(),
      getInfo(),
      ...[
        "span.type = 'LLM'",
        "span.attributes.mlflow.spanType LIKE '%LLM%'",
        "text LIKE '%gpt-4o-mini%'",
      ].map((filter) =>
        post(`${API3}traces/search`, {
          locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '<e>' } }],
          filter,
        }),
      ),
    ],
  },
]
