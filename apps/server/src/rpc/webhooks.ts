import { contract } from '@sotto/contract'
import { createWebhook } from '../webhooks/create-webhook.ts'
import { deleteWebhook } from '../webhooks/delete-webhook.ts'
import { getWebhook } from '../webhooks/get-webhook.ts'
import { listDeliveries } from '../webhooks/list-deliveries.ts'
import { listWebhooks } from '../webhooks/list-webhooks.ts'
import { retryDelivery } from '../webhooks/retry-delivery.ts'
import { rotateWebhookSecret } from '../webhooks/rotate-secret.ts'
import { testWebhook } from '../webhooks/test-webhook.ts'
import { updateWebhook } from '../webhooks/update-webhook.ts'
import { mutation, query, router } from './trpc.ts'

const { webhooks } = contract

export const webhooksRouter = router({
  create: mutation(webhooks.create, createWebhook),
  list: query(webhooks.list, listWebhooks),
  get: query(webhooks.get, getWebhook),
  update: mutation(webhooks.update, updateWebhook),
  delete: mutation(webhooks.delete, deleteWebhook),
  rotateSecret: mutation(webhooks.rotateSecret, rotateWebhookSecret),
  test: mutation(webhooks.test, testWebhook),
  deliveries: query(webhooks.deliveries, listDeliveries),
  retryDelivery: mutation(webhooks.retryDelivery, retryDelivery),
})
