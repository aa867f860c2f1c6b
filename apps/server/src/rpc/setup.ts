import { contract } from '@sotto/contract'
import { createAdmin } from '../setup/create-admin.ts'
import { getSetup } from '../setup/get-setup.ts'
import { openDemo } from '../setup/open-demo.ts'
import { mutation, query, router } from './trpc.ts'

const { setup } = contract

export const setupRouter = router({
  get: query(setup.get, getSetup),
  openDemo: mutation(setup.openDemo, openDemo),
  createAdmin: mutation(setup.createAdmin, createAdmin),
})
