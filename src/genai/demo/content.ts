// What the demo tells: the support assistant of a bicycle shop, before and after it was improved.

export const EXPERIMENT_NAME = 'MLflow Demo'
export const PROMPT_PREFIX = 'mlflow-demo'

type Message = { role: 'system' | 'user'; content: string }
export interface DemoPrompt {
  name: string
  versions: { template: string | Message[]; message: string; alias: string }[]
}

export const PROMPTS: readonly DemoPrompt[] = [
  {
    name: `${PROMPT_PREFIX}.prompts.shop-support`,
    versions: [
      {
        template: 'Answer the question of a customer: {{question}}',
        message: 'First try',
        alias: 'baseline',
      },
      {
        template:
          'You help customers of the bicycle shop {{shop}}. Be brief, and name prices only if you were told them.\n\nQuestion: {{question}}',
        message: 'Who answers, and what not to make up',
        alias: 'careful',
      },
      {
        template: [
          {
            role: 'system',
            content:
              'You help customers of the bicycle shop {{shop}}. Use what the documents say, name the document, and say so when they do not tell.',
          },
          { role: 'user', content: 'Documents:\n{{documents}}\n\nQuestion: {{question}}' },
        ],
        message: 'As a chat, grounded in documents',
        alias: 'production',
      },
    ],
  },
  {
    name: `${PROMPT_PREFIX}.prompts.review-summary`,
    versions: [
      { template: 'Sum up these reviews: {{reviews}}', message: 'First try', alias: 'baseline' },
      {
        template:
          'Sum up these reviews of {{product}} in at most {{words}} words, praise first, then complaints:\n\n{{reviews}}',
        message: 'Length and order',
        alias: 'production',
      },
    ],
  },
]

export interface DemoTurn {
  question: string
  /** Of the first version and of the improved one. */
  answers: readonly [string, string]
  documents?: { source: string; text: string }[]
  tools?: { name: string; input: object; output: object }[]
}
export interface DemoConversation {
  kind: 'rag' | 'agent' | 'prompt' | 'session'
  turns: DemoTurn[]
  user?: string
}

const GUARANTEE = {
  source: 'guarantee.md',
  text: 'Frames are guaranteed for ten years, parts for two. Wear is not covered. Bring the receipt.',
}
const TYRES = {
  source: 'tyres.md',
  text: 'City tyres of 42 mm take 3 to 5 bar. Check the pressure every two weeks; rain does no harm.',
}

export const CONVERSATIONS: readonly DemoConversation[] = [
  {
    kind: 'rag',
    turns: [
      {
        question: 'How long is the frame guaranteed?',
        documents: [GUARANTEE],
        answers: [
          'Usually a few years.',
          'Ten years for the frame, two for parts, without wear (guarantee.md). Please bring the receipt.',
        ],
      },
    ],
  },
  {
    kind: 'rag',
    turns: [
      {
        question: 'How much air do my city tyres need?',
        documents: [TYRES, GUARANTEE],
        answers: ['About 7 bar.', '3 to 5 bar for tyres of 42 mm, checked every two weeks (tyres.md).'],
      },
    ],
  },
  {
    kind: 'rag',
    turns: [
      {
        question: 'Does the guarantee cover worn brake pads?',
        documents: [GUARANTEE],
        answers: [
          'Yes, of course.',
          'No: wear is not covered (guarantee.md). New pads are fitted while you wait.',
        ],
      },
    ],
  },
  {
    kind: 'agent',
    turns: [
      {
        question: 'Is the Wanderer in stock in size L?',
        tools: [
          {
            name: 'find_stock',
            input: { model: 'Wanderer', size: 'L' },
            output: { pieces: 2, shop: 'North' },
          },
        ],
        answers: ['It should be.', 'Yes: two Wanderers in size L stand in our shop North.'],
      },
    ],
  },
  {
    kind: 'agent',
    turns: [
      {
        question: 'When is my bicycle ready? The repair has number 4711.',
        tools: [
          {
            name: 'find_repair',
            input: { number: 4711 },
            output: { state: 'waiting for parts', part: 'derailleur' },
          },
          { name: 'find_delivery', input: { part: 'derailleur' }, output: { date: 'Thursday' } },
        ],
        answers: [
          'It is being repaired.',
          'The derailleur arrives on Thursday, so you can have it on Friday.',
        ],
      },
    ],
  },
  {
    kind: 'prompt',
    turns: [
      {
        question: 'Do you rent cargo bicycles?',
        answers: [
          'Yes.',
          'We do, by the day or by the week. Please ask the shop for the price: I was not told it.',
        ],
      },
    ],
  },
  {
    kind: 'prompt',
    turns: [
      {
        question: 'Which lock should I buy?',
        answers: [
          'A strong one.',
          'A folding lock of 90 cm fits our frames. For nights in the street take a chain as well.',
        ],
      },
    ],
  },
  {
    kind: 'session',
    user: 'ada',
    turns: [
      {
        question: 'My chain makes noises.',
        answers: ['Oil it.', 'Is it dry, or does it jump between gears?'],
      },
      {
        question: 'It jumps.',
        answers: ['Oil it.', 'Then it is worn. Measured with a gauge, more than 0.75 % means a new one.'],
      },
      {
        question: 'What does a new chain cost?',
        tools: [{ name: 'find_price', input: { part: 'chain' }, output: { euros: 29 } }],
        answers: ['Between 10 and 100 euros.', '29 euros, and we fit it while you wait.'],
      },
    ],
  },
  {
    kind: 'session',
    user: 'grace',
    turns: [
      {
        question: 'I want to ride to work, ten kilometres.',
        answers: ['Take any bicycle.', 'Is it hilly, and may you charge a battery there?'],
      },
      {
        question: 'Hilly, and I may.',
        answers: [
          'Then it is hard.',
          'Then try our Wanderer with a motor; its battery lasts five such days.',
        ],
      },
    ],
  },
]

export const JUDGES = [
  {
    name: 'relevance',
    description: 'Whether the answer is about the question',
    instructions: 'Does the answer in {{ outputs }} speak to the question in {{ inputs }}? Answer yes or no.',
    verdicts: { yes: 'It answers what was asked.', no: 'What was asked is left open.' },
  },
  {
    name: 'groundedness',
    description: 'Whether the answer says no more than it can know',
    instructions:
      'Is all that {{ outputs }} claims told by {{ inputs }} or by the documents of the trace? Answer yes or no.',
    verdicts: { yes: 'All of it stands in the documents.', no: 'No document tells it.' },
  },
] as const

export const ISSUES = [
  {
    name: 'Made up facts',
    description: 'Answers name pressures and guarantees that no document tells.',
    severity: 'high',
    root_causes: ['The first prompt does not ask to stay with the documents.'],
    categories: ['correctness'],
  },
  {
    name: 'Answers without substance',
    description: 'Answers are short and help nobody: "It should be", "Oil it".',
    severity: 'medium',
    root_causes: ['Results of tools do not reach the last call of the model.'],
    categories: ['relevance'],
  },
] as const

export const QUESTIONS = [
  {
    name: 'answer_quality',
    type: 'FEEDBACK',
    input: { categorical: { options: ['Good', 'Fair', 'Poor'] } },
    instruction: 'How good is the answer?',
    enable_comment: true,
  },
  {
    name: 'is_helpful',
    type: 'FEEDBACK',
    input: { pass_fail: { positive_label: 'Helpful', negative_label: 'Not helpful' } },
    instruction: 'Does it help the customer?',
    enable_comment: false,
  },
  {
    name: 'right_answer',
    type: 'EXPECTATION',
    input: { text: {} },
    instruction: 'If it is wrong: what is right?',
    enable_comment: false,
  },
] as const
