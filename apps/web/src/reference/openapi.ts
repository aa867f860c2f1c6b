/* The subset of OpenAPI 3.1 that the server's document uses. */

export interface Schema {
  $ref?: string
  type?: string
  enum?: readonly unknown[]
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  default?: unknown
  description?: string
  properties?: Record<string, Schema>
  required?: readonly string[]
  items?: Schema | false
  anyOf?: readonly Schema[]
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  description?: string
  schema: Schema
  example?: unknown
}

interface Content {
  schema: Schema
  example?: unknown
}

interface OperationObject {
  operationId: string
  tags: readonly string[]
  summary: string
  description?: string
  /** Only set, to an empty list, for operations that need no credentials. */
  security?: readonly unknown[]
  parameters: readonly Parameter[]
  requestBody?: { content: { 'application/json': Content } }
  responses: Record<string, { description: string; content?: Record<string, Content> }>
}

interface OpenApiDocument {
  paths: Record<string, Record<string, OperationObject>>
}

/** An operation with its method and path. */
export interface Operation extends OperationObject {
  method: string
  path: string
}

/** Loads all operations of this server, in the order of its OpenAPI document. */
export async function loadOperations(): Promise<Operation[]> {
  const response = await fetch('/openapi.json')
  if (!response.ok) throw new Error(`openapi.json: ${response.status}`)
  const { paths } = (await response.json()) as OpenApiDocument
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  )
}

/** The JSON body of an operation, if it has one. */
export function bodyOf({ requestBody }: Operation): Content | undefined {
  return requestBody?.content['application/json']
}
