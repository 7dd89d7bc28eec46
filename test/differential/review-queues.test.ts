// Review queues and their items: the same requests to stock MLflow and to this server.
import { reviewItemCases, reviewQueueCases } from './review-queues.cases.ts'
import { describeDifferential } from './suite.ts'

describeDifferential('answers about review queues', [...reviewQueueCases, ...reviewItemCases])
