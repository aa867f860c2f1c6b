/** One block of a stream. A block that contains only a comment has no fields. */
export interface Block {
  id: string | undefined
  data: string | undefined
  retryMs: number | undefined
}

/** Larger than any event. A larger block means that the sender is not a Sotto server or does not end its lines. */
const MAX_BLOCK_CHARACTERS = 8_388_608

/**
 * A parser of Server-Sent Events. It takes the stream in arbitrary pieces and returns the blocks that each piece
 * completes.
 *
 * Follows https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, except that an
 * `id` without data is returned too, because it is a cursor.
 */
export function createBlockParser(): (piece: Uint8Array) => Block[] {
  const decoder = new TextDecoder()
  let line = ''
  let endedByReturn = false
  let block = emptyBlock()
  let size = 0

  function takeLine(text: string, blocks: Block[]): void {
    if (text === '') {
      blocks.push(block)
      block = emptyBlock()
      size = 0
      return
    }
    const colon = text.indexOf(':')
    const field = colon === -1 ? text : text.slice(0, colon)
    const value = colon === -1 ? '' : text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') block.data = block.data === undefined ? value : `${block.data}\n${value}`
    else if (field === 'id' && !value.includes('\0')) block.id = value
    else if (field === 'retry' && /^\d+$/.test(value)) block.retryMs = Number(value)
  }

  return function parse(piece) {
    let text = decoder.decode(piece, { stream: true })
    const blocks: Block[] = []
    // The second half of a line ending that was split.
    if (endedByReturn && text.startsWith('\n')) text = text.slice(1)
    if (text !== '') endedByReturn = text.endsWith('\r')
    size += text.length
    if (size > MAX_BLOCK_CHARACTERS) throw new RangeError('a block of the stream is too large')
    const lines = text.split(/\r\n|\n|\r/)
    const rest = lines.pop() ?? ''
    for (const end of lines) {
      takeLine(line + end, blocks)
      line = ''
    }
    line += rest
    return blocks
  }
}

function emptyBlock(): Block {
  return { id: undefined, data: undefined, retryMs: undefined }
}
