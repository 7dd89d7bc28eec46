// What the stock client can do, feature by feature, has the same results as on stock MLflow.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseJson } from '../../src/platform/wire/int64.ts'
import { describeEachEngine } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { copyPrograms, runClient } from './client.ts'
import { besideStock } from './servers.ts'

/** The functions of each script below features/, and what they show. */
const FEATURES = {
  runs: {
    nested_runs: 'nests runs and finds parents and children',
    view_types: 'searches active, deleted and all runs and experiments',
    delete_and_restore: 'refuses to write to deleted runs and experiments, and writes again to restored ones',
    statuses: 'ends runs with each status and goes on with ended runs',
    batch_limits: 'keeps the limits of a batch and writes nothing of a refused one',
    params_and_tags: 'keeps odd texts of params and tags, and refuses other values of a param',
    experiments: 'names, renames and tags experiments',
    search_runs: 'searches runs with filters and orders, page by page',
    search_experiments: 'searches experiments with filters and orders, page by page',
    inputs: 'logs data sets with their contexts and finds runs by them',
  },
  metrics: {
    long_history: 'reads a history of more than 25,000 points over several pages',
    five_thousand_keys: 'logs 5,000 metrics of one run in batches',
    special_values: 'keeps NaN, infinities and the extremes of doubles, and the latest of equal steps',
    asynchronous: 'logs asynchronously',
    system_metrics: 'logs system metrics',
  },
  artifacts: {
    texts_and_dicts: 'logs and loads texts and dictionaries',
    figures_and_images: 'logs figures and images',
    tables: 'logs tables, appends to them and loads them over several runs',
    folders: 'logs, lists and downloads folders',
    unusual_names: 'keeps unusual names of files',
    refused_paths: 'refuses paths that lead elsewhere and files that are not there',
    deletion: 'deletes files and folders of artifacts',
    logged_models: 'creates, finalises, tags, searches and deletes logged models',
  },
  prompts: {
    text_prompts: 'registers text prompts and loads them by version, as the latest and by name',
    chat_prompts: 'keeps chat prompts with response formats and model configurations',
    aliases: 'sets, moves and deletes aliases of prompts',
    tags: 'sets and deletes tags of prompts and of their versions',
    searches: 'searches prompts by name, tag and experiment, and versions, page by page',
    apart_from_models: 'keeps prompts and models apart',
    linked_runs: 'links prompts to runs',
    linked_models: 'links prompts to logged models and logs models with prompts',
    step_by_step: 'makes prompts and versions in steps of their own',
    deletion: 'deletes prompts and versions',
    refused_prompts: 'refuses prompts that cannot be',
  },
  reviewing: {
    scorers: 'registers judges and scorers, loads them by version and deletes them',
    refused_scorers: 'refuses scorers with code of their own, those of a gateway, and what is not there',
    questions: 'asks reviewers with every kind of label schema, and changes and lists them page by page',
    refused_questions: 'refuses label schemas that cannot be, and changes of the default one',
  },
  reviews: {
    custom_queues: 'creates, changes and deletes review queues',
    user_queues: 'gives users review queues of their own and lists them page by page',
    issues: 'creates, changes and searches issues',
  },
  tracing: {
    exports: 'exports spans at once, in threads and in batches',
    other_processes: 'goes on with a trace in another process',
    sessions: 'gives traces sessions, users, requests, previews and states, and finds them by these',
    searches: 'searches traces with filters and orders, as lists and frames, page by page',
    attachments: 'keeps attachments of spans',
    of_javascript: "reads traces that MLflow's JavaScript SDK sends",
    by_hand: 'makes traces by hand, copies and merges them',
    functions:
      'traces generators, coroutines and failures, and leaves out what is disabled, sampled out or masked',
    places: 'traces into other experiments and for models, and tags and deletes traces',
  },
  autologging: {
    openai_client:
      "traces calls of OpenAI's client: chat, streams, tools, responses, embeddings and refusals",
    langchain: 'traces chains, retrievers, tools, streams and failures of LangChain',
    langgraph: 'traces graphs of LangGraph',
  },
  assessments: {
    kinds: 'logs feedback, errors and expectations of all kinds, and gets them',
    changes: 'changes, overrides and deletes assessments',
    with_the_trace: 'logs assessments in a trace that goes on',
    issues: 'refers to issues, counts their traces and finds them',
    searches: 'searches traces by their assessments',
    evaluates_functions: 'evaluates a function over data',
    evaluates_outputs: 'evaluates outputs that are there',
    evaluates_traces: 'evaluates traces that are there',
    datasets_of_traces: 'makes evaluation datasets of traces, and evaluates over them',
  },
  evaluation_datasets: {
    create_and_get: 'creates evaluation datasets and gets them by id and by name',
    merge_dicts: 'merges records by their inputs',
    merge_frames: 'merges records of data frames',
    sessions: 'keeps records of sessions apart from others, and refuses records that cannot be',
    deleted_records: 'deletes records',
    many_records: 'merges and reads thousands of records',
    tags: 'sets and deletes tags of evaluation datasets',
    experiments: 'adds evaluation datasets to experiments and removes them',
    searches: 'searches evaluation datasets with filters and orders, page by page',
    deletion: 'deletes evaluation datasets',
    logged_to_runs: 'logs evaluation datasets to runs',
  },
  command_line: {
    experiment_commands: 'creates, renames, shows, deletes and restores experiments from the command line',
    run_commands: 'creates, lists, exports, deletes and restores runs from the command line',
    artifact_commands: 'logs, lists and downloads artifacts from the command line',
  },
}

type Answers = Record<string, { answer?: unknown; failed?: string }>

describe.skipIf(missing('stock'))('client', () => {
  const programs = copyPrograms(join(import.meta.dirname, 'features'))
  for (const [script, features] of Object.entries(FEATURES)) {
    const run = async (url: string) =>
      parseJson(await runClient(url, [join(programs.folder, `${script}.py`)])) as Answers
    const answersOn = besideStock(run)

    describeEachEngine(
      `features of ${script}`,
      (target) => {
        const answers = answersOn(target)

        for (const [name, title] of Object.entries(features)) {
          it(title, () => {
            expect(answers.expected[name]).toHaveProperty('answer')
            expect(answers.ours[name]).toEqual(answers.expected[name])
          })
        }

        it('names each feature here', () => {
          expect(Object.keys(answers.ours)).toEqual(Object.keys(features))
        })
      },
      ['CrateDB'],
      ['PGlite'],
    )
  }
})
