import compress from '@fastify/compress'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** Smaller bodies fit into one packet or two, compressed or not. In bytes. */
const THRESHOLD = 1_024
/** Larger bodies are compressed in the thread pool, which costs more in total but blocks no one. In bytes. */
const SYNC_THRESHOLD = 16_384
/** Nearly as small as the default of 6, in two thirds of the time. */
const LEVEL = 4

/**
 * Compresses the JSON of queries, for the routes registered after it. Routes of mutations opt out with
 * `compress: false`: their responses are short, and only they hold new secrets, whose length compression would reveal.
 * Streams are sent as they are, and so are documents, which are compressed once for all callers.
 */
export async function registerCompression(app: FastifyInstance): Promise<void> {
  await app.register(compress, {
    // Compressed requests could be decompression bombs.
    globalDecompression: false,
    encodings: ['gzip'],
    zlibOptions: { level: LEVEL },
    threshold: THRESHOLD,
    syncThreshold: SYNC_THRESHOLD,
    customTypes: /^application\/json\b/,
  })
}

/** Sends the response as it is, although its content type is one of those that are compressed. */
export function sendUncompressed(request: FastifyRequest): void {
  request.headers['x-no-compression'] = 'true'
}
